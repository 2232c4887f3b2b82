// SPDX-License-Identifier: Apache-2.0

package statefile

import "os"

// OnExt4 has f do what it does on ext4, whatever it lies on.
func (f *File) OnExt4() { f.ext4 = func(*os.File) bool { return true } }

// WaitInSave has f call wait in each save.
func (f *File) WaitInSave(wait func()) {
	f.ext4 = func(*os.File) bool {
		wait()
		return false
	}
}
