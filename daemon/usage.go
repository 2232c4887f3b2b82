// SPDX-License-Identifier: Apache-2.0

package daemon

// UsageError is a mistake on the command line.
type UsageError struct{ Err error }

// Error implements error.
func (e *UsageError) Error() string { return e.Err.Error() }

// Unwrap gives the cause.
func (e *UsageError) Unwrap() error { return e.Err }
