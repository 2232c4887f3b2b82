// Package dbusapi serves an Account on D-Bus and decides who may call what.
//
// It answers from the account's immutable snapshot wherever no question to
// plex.tv is needed, and each call runs on a goroutine of its own.
package dbusapi
