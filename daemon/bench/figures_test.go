// SPDX-License-Identifier: Apache-2.0

//go:build rig

package bench

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"
)

// samples are what one contender was measured at, by round.
type samples []float64

// quartile gives the value below which that many quarters of s lie.
func (s samples) quartile(quarters int) float64 {
	sorted := slices.Sorted(slices.Values(s))
	return sorted[min(len(sorted)*quarters/4, len(sorted)-1)]
}

func (s samples) median() float64 { return s.quartile(2) }

// String is the median with the quartiles, as far as there is any spread.
func (s samples) String() string {
	low, middle, high := number(s.quartile(1)), number(s.median()), number(s.quartile(3))
	if low == middle && high == middle {
		return middle
	}
	return fmt.Sprintf("%s (%s–%s)", middle, low, high)
}

// number shows three digits, or all those before the point.
func number(v float64) string {
	switch {
	case v == 0 || v >= 100:
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	default:
		return fmt.Sprintf("%.2f", v)
	}
}

// over gives how many times each of them s is. Where both have the same rounds,
// what disturbed a round disturbed both and is not in the ratio.
func (s samples) over(reference samples) samples {
	ratios := make(samples, len(s))
	for i := range s {
		if len(reference) == len(s) {
			ratios[i] = s[i] / reference[i]
		} else {
			ratios[i] = s[i] / reference.median()
		}
	}
	return ratios
}

// row is one thing that was measured.
type row struct {
	what   string
	ours   samples
	beside []reference
}

// with adds a fixed value to what the row is compared with, before the others.
func (r row) with(name string, value float64, a aim) row {
	r.beside = append([]reference{{name, samples{value}, a}}, r.beside...)
	return r
}

// reference is what a row is compared with, with the aim for the ratio if there is
// one.
type reference struct {
	name    string
	samples samples
	aim     aim
}

// aim is what a ratio should be.
type aim struct {
	sign  string // "≤", "<", "≥"; "" without an aim
	ratio float64
}

func (a aim) String() string {
	if a.sign == "" {
		return ""
	}
	return fmt.Sprintf("%s %.3g", a.sign, a.ratio)
}

// judge says whether the median ratio is what it should be.
func (a aim) judge(ratio float64) string {
	met := map[string]bool{"≤": ratio <= a.ratio, "<": ratio < a.ratio, "≥": ratio >= a.ratio}
	switch {
	case a.sign == "":
		return ""
	case met[a.sign]:
		return "yes"
	default:
		return "NO"
	}
}

// cells are the rest of a line that compares ours with other. There is no ratio to
// nothing: the aim is for the figure itself then.
func (other reference) cells(ours samples) []string {
	ratios, shown := ours, ""
	if other.samples.median() > 0 {
		ratios = ours.over(other.samples)
		shown = ratios.String()
	}
	return []string{other.name, other.samples.String(), shown, other.aim.String(), other.aim.judge(ratios.median())}
}

// print writes rows as a table that Markdown knows and people can read as it is.
func print(to io.Writer, rows []row) {
	lines := [][]string{{"what", "plexauthd", "beside", "", "ratio", "aim", "met"}, nil}
	for _, r := range rows {
		head := []string{r.what, r.ours.String()}
		for _, other := range r.beside {
			lines = append(lines, append(head, other.cells(r.ours)...))
			head = []string{"", ""}
		}
	}
	widths := make([]int, len(lines[0]))
	for _, line := range lines {
		for i, cell := range line {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell), 3)
		}
	}
	for _, width := range widths {
		lines[1] = append(lines[1], strings.Repeat("-", width))
	}
	for _, line := range lines {
		for i, cell := range line {
			fmt.Fprintf(to, "| %s%s ", cell, strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell)))
		}
		fmt.Fprintln(to, "|")
	}
}
