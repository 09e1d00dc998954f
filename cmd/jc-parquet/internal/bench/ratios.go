//go:build unix

package main

// pairs returns the runs of one contender, each with the one of another that was beside it.
func (r *report) pairs(a, b string) (pairs [][2]run) {
	first, second := r.result(a), r.result(b)
	if first == nil || second == nil {
		return nil
	}
	for _, one := range first.Runs {
		if other := second.beside(one); other != nil {
			pairs = append(pairs, [2]run{one, *other})
		}
	}
	return pairs
}

// beside returns the run of the same turn in the same round, or of the last turn before it; nil if there is none.
func (r *result) beside(other run) (found *run) {
	for i := range r.Runs {
		if one := &r.Runs[i]; one.Round == other.Round && one.Turn <= other.Turn {
			found = one
		}
	}
	return found
}

// timeOfMessage compares the rates of two contenders, so that less is better.
func timeOfMessage(p [2]run) (value, yardstick float64) {
	return 1e6 / p[0].MessagesPerSecond, 1e6 / p[1].MessagesPerSecond
}

func clientCPU(p [2]run) (value, yardstick float64) { return p[0].ClientCPU, p[1].ClientCPU }

func fileBytes(p [2]run) (value, yardstick float64) {
	return float64(p[0].FileBytes), float64(p[1].FileBytes)
}

// olderFigures compares an archive with jet-capture 0.2.5, and its allocations and size with those of a bare pull.
func (r *report) olderFigures() (all []*figure) {
	if pairs := r.pairs(archiveName, olderName); len(pairs) > 0 {
		all = append(all,
			newFigure("CPU of a message, of the older way", "s/M", 0.25, pairs, clientCPU),
			newFigure("size, of the older way", "bytes", 0.5, pairs, fileBytes))
	}
	if pairs := r.pairs(levelName, olderName); len(pairs) > 0 {
		all = append(all, newFigure("size at level 7, of the older way", "bytes", 0.5, pairs, fileBytes))
	}
	if pairs := r.pairs(libraryName, barePullName); len(pairs) > 0 {
		all = append(all, newFigure("raw messages, allocations beside a bare pull's", "a message", 2, pairs, func(p [2]run) (float64, float64) {
			return p[0].Allocs - p[1].Allocs, 0
		}))
	}
	return all
}
