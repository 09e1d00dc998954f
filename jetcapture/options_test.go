package jetcapture_test

import (
	"bytes"
	"log/slog"
	"reflect"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/jetcapture/lake/jetcapture"
)

// differences returns the names of the fields that differ. Functions are the same if their code is.
func differences(a, b any) (names []string) {
	x, y := reflect.ValueOf(a), reflect.ValueOf(b)
	for i := range x.NumField() {
		var same bool
		if f := x.Field(i); f.Kind() == reflect.Func {
			same = f.Pointer() == y.Field(i).Pointer()
		} else {
			same = reflect.DeepEqual(f.Interface(), y.Field(i).Interface())
		}
		if !same {
			names = append(names, x.Type().Field(i).Name)
		}
	}
	return names
}

func TestValidateChangesNothing(t *testing.T) {
	full := rawNDJSON(t.TempDir())
	least := &jetcapture.Options[*jetcapture.NatsMessage, string]{
		NATSStreamName: full.NATSStreamName, NATSConsumerName: full.NATSConsumerName, MessageDecoder: full.MessageDecoder, WriterFactory: full.WriterFactory, Store: full.Store,
	}
	for name, o := range map[string]*jetcapture.Options[*jetcapture.NatsMessage, string]{"of defaults": full, "of zeros": least, "that are empty": {}} {
		before := *o
		if err := o.Validate(); (err == nil) != (o.Store != nil) {
			t.Errorf("options %s: %v", name, err)
		}
		if changed := differences(before, *o); changed != nil {
			t.Errorf("Validate has changed %q of options %s", changed, name)
		}
	}
}

func TestOptionsOfZerosAreThoseOfDefaults(t *testing.T) {
	defaults, zeros := jetcapture.DefaultOptions[string, string](), new(jetcapture.Options[string, string]).WithDefaults()
	if differ := differences(*defaults, *zeros); !reflect.DeepEqual(differ, []string{"Logger"}) {
		t.Errorf("DefaultOptions and zeros with their defaults differ by %q, want the Logger alone", differ)
	}
	if twice := zeros.WithDefaults(); differences(*zeros, *twice) != nil {
		t.Errorf("defaults change by %q when they are filled in twice", differences(*zeros, *twice))
	}
	if zero := new(jetcapture.Options[string, string]).LeastLedgerRetention(); zero != defaults.LeastLedgerRetention() || zero < time.Minute {
		t.Errorf("the least retention of zeros is %v, want that of the defaults", zero)
	}
}

func TestLogGoesToSlog(t *testing.T) {
	var out bytes.Buffer
	o := rawNDJSON(t.TempDir())
	o.Slog = slog.New(slog.NewTextHandler(&out, nil))
	if err := o.Validate(); err != nil {
		t.Fatal(err)
	}
	o.WithDefaults().Logger.Warn("pulling pauses", zap.String("cause", "memory"))
	if line := out.String(); !strings.Contains(line, `level=WARN msg="pulling pauses" cause=memory`) {
		t.Errorf("the handler got %q", line)
	}
	o.Logger = zap.NewNop()
	wantProblem(t, o.Validate(), "Logger and Slog are both set")
}
