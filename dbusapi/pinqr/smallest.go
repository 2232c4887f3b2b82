// SPDX-License-Identifier: Apache-2.0

package pinqr

import (
	"encoding/binary"
	"hash/adler32"
	"hash/crc32"

	"rsc.io/qr"
)

// smallestPNG draws a code with one pixel a module, where the library's own PNG
// writer panics. So few pixels need no compression (a single stored block,
// RFC 1951), and compress/flate would add 28 KiB to the daemon.
func smallestPNG(code *qr.Code) []byte {
	side := code.Size + 2*quiet
	var rows []byte
	for y := range side {
		row := make([]byte, 1+(side+7)/8) // PNG's filter, then a bit a pixel, white is 1
		for x := range side {
			if !code.Black(x-quiet, y-quiet) {
				row[1+x/8] |= 0x80 >> (x % 8)
			}
		}
		rows = append(rows, row...)
	}
	zlib := []byte{0x78, 0x01, 1} // RFC 1950's header, then the last block, stored
	zlib = binary.LittleEndian.AppendUint16(zlib, uint16(len(rows)))
	zlib = binary.LittleEndian.AppendUint16(zlib, ^uint16(len(rows)))
	zlib = append(zlib, rows...)
	zlib = binary.BigEndian.AppendUint32(zlib, adler32.Checksum(rows))

	header := binary.BigEndian.AppendUint32(nil, uint32(side))
	header = binary.BigEndian.AppendUint32(header, uint32(side))
	header = append(header, 1, 0, 0, 0, 0) // one bit, grey

	picture := []byte("\x89PNG\r\n\x1a\n")
	picture = appendChunk(picture, "IHDR", header)
	picture = appendChunk(picture, "IDAT", zlib)
	return appendChunk(picture, "IEND", nil)
}

func appendChunk(picture []byte, name string, data []byte) []byte {
	picture = binary.BigEndian.AppendUint32(picture, uint32(len(data)))
	start := len(picture)
	picture = append(append(picture, name...), data...)
	return binary.BigEndian.AppendUint32(picture, crc32.ChecksumIEEE(picture[start:]))
}
