package cloud_test

import (
	"errors"
	"net/url"
	"strings"
	"testing"

	"github.com/jetcapture/lake/store/internal/cloud"
)

func TestParametersAreSetAndAllProblemsNamed(t *testing.T) {
	type options struct{ color, tags string }
	parameters := map[string]func(*options, string) error{
		"color": func(o *options, v string) error {
			if o.color = v; v != "red" {
				return errors.New("write red")
			}
			return nil
		},
		"tag": func(o *options, v string) error { o.tags += v; return nil },
	}
	set := func(query string) (o options, problems string) {
		u, err := url.Parse("x://host/path?" + query)
		if err != nil {
			t.Fatal(err)
		}
		if err := cloud.SetParameters(&o, u, parameters, "tag"); err != nil {
			problems = err.Error()
		}
		return o, problems
	}
	if o, problems := set("tag=a&color=red&tag=b"); o != (options{"red", "ab"}) || problems != "" {
		t.Errorf("the options are %+v, the problems %q", o, problems)
	}
	for query, want := range map[string]string{
		"color=SECRET":            `parameter "color": write red`,
		"color=red&color=red":     `parameter "color" is there 2 times`,
		"tag=":                    `parameter "tag" is empty; leave it out`,
		"size=SECRET&color=green": "parameter \"color\": write red\nunknown parameter \"size\"; known are color, tag",
		"tag=%zzSECRET":           "the query is malformed; percent-encode special characters in it",
		"tag=a#SECRET":            `"#" starts a fragment; in a path write %23`,
	} {
		if _, problems := set(query); problems != want || strings.Contains(problems, "SECRET") {
			t.Errorf("%s: %q, want %q", query, problems, want)
		}
	}
}
