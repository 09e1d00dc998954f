// Package jsoncolumns makes typed columns of JSON payloads, by a list of columns that a person writes or Infer makes. Nothing
// of a payload is lost: members without a column, and values that do not fit, are in the column _rest.
//
//	file → Parse → []Column → New → Plan → Append(message) → columns.Columns → an encoder of Parquet, Arrow or CSV
//	payloads → Inferrer → []Column → Text → file
//
// A Plan is a columns.Appender, so that parquet.PlanWriters, arrow.PlanWriters, format.PlanCSV and format.PlanNDJSON write
// files with it:
//
//	list, err := jsoncolumns.Parse("columns.yaml", text)
//	if err != nil {
//		return err // a line for each problem
//	}
//	plan, err := jsoncolumns.New[Message](list, jsoncolumns.Options{})
//	if err != nil {
//		return err
//	}
//	newWriter, err := parquet.PlanWriters(plan, parquet.Options{})
//	…
//	for _, count := range plan.Counts().Misfits() {
//		log.Print(count.Column, ": ", count.Misfits, " values did not fit: ", count.First.Hint)
//	}
//
// # The file
//
// A list in YAML, or in JSON, which is YAML too:
//
//	# id of {"order": {"id": 7}}
//	- name: id
//	  path: order.id
//	  type: int64
//	  nullable: false
//	- name: placed
//	  type: timestamp
//
//	name      of the column; names must differ by more than case, and from those of Metadata and Rest
//	path      where its values are in the payload, with dots between the names of members; a list of names if some of them
//	          have dots: path: [order, "unit.price"]; it is the name if left out
//	type      see below
//	nullable  false for a column that every message has; true if left out
//	exact     true for a time of which nothing may be cut off: what is finer than its unit does not fit
//	encoding  plain, dict, delta or split; the writer chooses if left out
//	bloom     true for a bloom filter
//	sort      ascending or descending, of columns whose values come in that order; files where they do say so
//
// # Types and the values that fit
//
// A value fits if the column gives it back: the same number, instant, text or bytes, if not the same spelling. There is one
// exception: of a time, what is finer than the unit of the column is cut off, unless the column is exact. -0 fits into
// floating-point numbers only.
//
//	bool                               true, false
//	int8 … int64, uint8 … uint64       numbers in the range, without a fraction: 7, 7.0, 7e2, or text of one: "7"
//	float32, float64                   numbers with no more digits than it has: not 0.1234567890123456789
//	decimal(18,2)                      numbers with no more digits before and behind the point, up to 38 in all, or
//	                                   text of one: "12.50"
//	string                             text
//	bytes, fixed(16)                   text in base64, standard and padded; 16 bytes of it
//	uuid                               text like f81d4fae-7dec-11d0-a765-00a0c91e6bf6
//	timestamp                          text of RFC 3339 like 2026-11-23T12:15:00.123Z; the instant is kept in microseconds,
//	                                   its time zone is not
//	timestamp(millis), (micros),       the same in another unit, or a number that counts the unit since 1970
//	(nanos)
//	timestamp(seconds)                 the same in microseconds, or a number of seconds since 1970, with or without a fraction
//	timestamp(micros, local)           the same without a time zone
//	date                               text like 2026-11-23
//	time, time(nanos)                  text like 12:15:00.123
//	duration                           numbers of nanoseconds, without a fraction, or text of one
//	json                               anything, null too
//
// # Values that do not fit
//
// The column is null, and the value is in _rest under its path: for {"id": "x", "more": {"a": 1}} and a column id of type
// int64, _rest is the payload itself. A null of JSON is in _rest too, so that it differs from a missing member; a json column
// takes it. If a name comes twice in an object, no column has any of its values, and _rest has all of them.
//
// If a payload is JSON but not an object, _rest is all of it. Values in _rest are as in the payload, numbers with all their
// digits.
//
// # Limits
//
// A message is rejected whole if a column with nullable: false would be null, or if readers would not take its payload: it is
// empty, not JSON, not UTF-8, nested more than 10,000 deep, or has a \u escape of half a surrogate pair. A file has at most
// MaxFile bytes.
//
// The messages of a key-value bucket that delete or purge a key have no payload: their columns are null. Files of a bucket
// have one more column, Operation, unless the list has one of that name.
package jsoncolumns
