package cloud

import (
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
)

// SetParameters sets o by the parameters in the query of a driver's URL. Each may be there once, or several times if it is
// repeatable. The error lists all problems. It shows no values, since somebody may have written a secret where it does not belong.
func SetParameters[O any](o *O, u *url.URL, parameters map[string]func(o *O, value string) error, repeatable ...string) error {
	var problems []error
	if u.Fragment != "" {
		problems = append(problems, errors.New(`"#" starts a fragment; in a path write %23`))
	}
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil { // which shows parts of the query
		problems = append(problems, errors.New("the query is malformed; percent-encode special characters in it"))
	}
	for _, name := range slices.Sorted(maps.Keys(query)) {
		set, known := parameters[name]
		values := query[name]
		switch {
		case !known:
			problems = append(problems, fmt.Errorf("unknown parameter %q; known are %s", name, strings.Join(slices.Sorted(maps.Keys(parameters)), ", ")))
		case len(values) > 1 && !slices.Contains(repeatable, name):
			problems = append(problems, fmt.Errorf("parameter %q is there %d times", name, len(values)))
		case slices.Contains(values, ""):
			problems = append(problems, fmt.Errorf("parameter %q is empty; leave it out", name))
		default:
			for _, value := range values {
				if err := set(o, value); err != nil {
					problems = append(problems, fmt.Errorf("parameter %q: %w", name, err))
				}
			}
		}
	}
	return errors.Join(problems...)
}
