// SPDX-License-Identifier: Apache-2.0

//go:build soak

package soak

// agenda is a heap of members by their next timer.
type agenda []*member

func (a agenda) Len() int           { return len(a) }
func (a agenda) Less(i, j int) bool { return a[i].at < a[j].at }
func (a agenda) Swap(i, j int)      { a[i], a[j] = a[j], a[i] }
func (a *agenda) Push(m any)        { *a = append(*a, m.(*member)) }
func (a *agenda) Pop() any {
	last := (*a)[len(*a)-1]
	*a = (*a)[:len(*a)-1]
	return last
}
