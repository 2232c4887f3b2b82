// SPDX-License-Identifier: Apache-2.0

//go:build rig

package bench

import (
	"bytes"
	"fmt"
	"html"
	"math"
	"strings"
)

// chart is a picture of how something grows from 1 to 1,000.
type chart struct {
	file, title, x, y string
	curves            []curve
}

// curve is one line of a chart.
type curve struct {
	name   string
	points []point
}

type point struct{ x, y float64 }

// Where things are, in pixels. The legend has a line for each curve, below the plot.
const (
	width           = 640
	left, right     = 64, 616 // of the plot
	top, bottom     = 68, 308
	legend          = 368 // its first line
	legendLine      = 22
	decades         = 3
	mostHeightTicks = 6
)

// chartStyle has colours that people with any eyesight can tell apart, brighter ones
// for a dark screen.
const chartStyle = `<style>
.page { fill: #ffffff }
text { font: 13px sans-serif; fill: #24292f }
.title { font-size: 16px; font-weight: bold }
.grid { stroke: #d8dee4 }
.axis { stroke: #57606a }
.curve { fill: none; stroke-width: 2.5 }
.c0 { stroke: #0072b2 } .c1 { stroke: #d55e00 } .c2 { stroke: #009e73 } .c3 { stroke: #a8488a }
.dot { fill: #ffffff; stroke-width: 2 }
@media (prefers-color-scheme: dark) {
.page { fill: #0d1117 }
text { fill: #e6edf3 }
.grid { stroke: #30363d }
.axis { stroke: #8b949e }
.c0 { stroke: #56b4e9 } .c1 { stroke: #ff9d4d } .c2 { stroke: #2fd6a3 } .c3 { stroke: #e59bd0 }
.dot { fill: #0d1117 }
}
</style>
`

// dashes tell the curves apart without colours.
var dashes = []string{"none", "8 4", "2 4", "10 4 2 4"}

// svg draws the chart.
func (c chart) svg() []byte {
	var out bytes.Buffer
	height := legend + legendLine*len(c.curves)
	fmt.Fprintf(&out, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d">`+"\n", width, height, width, height)
	fmt.Fprintf(&out, "<!-- SPDX-License-Identifier: Apache-2.0 -->\n<title>%s</title>\n", html.EscapeString(c.title))
	out.WriteString(chartStyle)
	fmt.Fprintf(&out, `<rect class="page" width="%d" height="%d"/>`+"\n", width, height)
	label(&out, left, 26, "title", "start", c.title)
	label(&out, left-48, top-14, "unit", "start", c.y)
	label(&out, (left+right)/2, bottom+40, "unit", "middle", c.x)
	step, most := c.heightTicks()
	for tick := 0.0; tick <= most+step/2; tick += step {
		y := bottom - tick/most*(bottom-top)
		line(&out, "grid", left, y, right, y)
		label(&out, left-8, y+4, "tick", "end", tickLabel(tick, step))
	}
	for decade := range decades + 1 {
		x := across(math.Pow10(decade))
		line(&out, "grid", x, top, x, bottom)
		label(&out, x, bottom+18, "tick", "middle", tickLabel(math.Pow10(decade), 1))
	}
	line(&out, "axis", left, bottom, right, bottom)
	line(&out, "axis", left, top, left, bottom)
	for i, curve := range c.curves {
		curve.draw(&out, i, most)
		y := float64(legend + legendLine*i)
		fmt.Fprintf(&out, `<line class="curve c%d" stroke-dasharray="%s" x1="%d" y1="%.1f" x2="%d" y2="%.1f"/>`+"\n", i, dashes[i], left, y-4, left+40, y-4)
		label(&out, left+52, y, "name", "start", curve.name)
	}
	out.WriteString("</svg>\n")
	return out.Bytes()
}

// draw draws a curve, of which the largest value there may be is at the top.
func (c curve) draw(out *bytes.Buffer, number int, most float64) {
	var path, dots strings.Builder
	for i, p := range c.points {
		x, y := across(p.x), bottom-p.y/most*(bottom-top)
		command := "L"
		if i == 0 {
			command = "M"
		}
		fmt.Fprintf(&path, "%s%.1f %.1f", command, x, y)
		fmt.Fprintf(&dots, `<circle class="dot c%d" cx="%.1f" cy="%.1f" r="4"/>`+"\n", number, x, y)
	}
	fmt.Fprintf(out, `<path class="curve c%d" stroke-dasharray="%s" d="%s"/>`+"\n%s", number, dashes[number], path.String(), dots.String())
}

// across is where a size is.
func across(size float64) float64 { return left + math.Log10(size)/decades*(right-left) }

// heightTicks are a few round numbers from 0 to above the largest value.
func (c chart) heightTicks() (step, most float64) {
	largest := 0.0
	for _, curve := range c.curves {
		for _, p := range curve.points {
			largest = max(largest, p.y)
		}
	}
	if largest == 0 {
		return 1, 1
	}
	unit := math.Pow10(int(math.Floor(math.Log10(largest))) - 1)
	for step = unit; largest/step > mostHeightTicks; {
		for _, factor := range []float64{2, 5, 10} {
			if step = unit * factor; largest/step <= mostHeightTicks {
				break
			}
		}
		unit *= 10
	}
	return step, math.Ceil(largest/step) * step
}

// tickLabel writes a number with as many digits as the steps between need.
func tickLabel(value, step float64) string {
	if step >= 1 {
		return thousands(int(math.Round(value)))
	}
	return fmt.Sprintf("%.*f", int(math.Ceil(-math.Log10(step))), value)
}

// thousands writes a number as people do.
func thousands(n int) string {
	if n < 1000 {
		return fmt.Sprint(n)
	}
	return fmt.Sprintf("%s,%03d", thousands(n/1000), n%1000)
}

func line(out *bytes.Buffer, class string, x1, y1, x2, y2 float64) {
	fmt.Fprintf(out, `<line class="%s" x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f"/>`+"\n", class, x1, y1, x2, y2)
}

func label(out *bytes.Buffer, x, y float64, class, anchor, text string) {
	fmt.Fprintf(out, `<text class="%s" x="%.1f" y="%.1f" text-anchor="%s">%s</text>`+"\n", class, x, y, anchor, html.EscapeString(text))
}
