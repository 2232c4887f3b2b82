#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Draws the add-on's pictures, which are committed, again: needs ImageMagick and
# Debian's fonts-dejavu-core. The code's characters are pictures because an
# add-on cannot bring fonts, and no size is in every skin. The face is one in
# which 0 and O, 1 and I differ.
set -eu
cd "$(dirname "$0")/addon/resources"
media=skins/Default/media
font=/usr/share/fonts/truetype/dejavu/DejaVuSansMono-Bold.ttf

# Without times and versions of the tool in it, the same picture is the same file.
draw() { convert "$@" ; }
plain="-strip -define png:exclude-chunks=date,time,tEXt"

mkdir -p $media/glyphs
for character in A B C D E F G H I J K L M N O P Q R S T U V W X Y Z 0 1 2 3 4 5 6 7 8 9; do
	# shellcheck disable=SC2086
	draw -size 144x208 xc:none -fill white -font $font -pointsize 190 -gravity center \
		-annotate +0+4 "$character" -depth 8 $plain PNG32:"$media/glyphs/$character.png"
done

# Kodi stretches the middle of these and keeps the corners: border in the XML.
rounded() { # FILE SIDE RADIUS
	# shellcheck disable=SC2086
	draw -size "$2x$2" xc:none -fill white -draw "roundrectangle 0,0 $(($2 - 1)),$(($2 - 1)) $3,$3" \
		-depth 8 $plain PNG32:"$media/$1"
}
rounded panel.png 96 36
rounded tile.png 64 20
rounded bar.png 16 8
# shellcheck disable=SC2086
draw -size 8x8 xc:white -depth 8 $plain $media/white.png

# A television with a key on it.
# shellcheck disable=SC2086
draw -size 512x512 xc:'#1b1d21' -fill none -stroke '#f0f1f3' -strokewidth 26 \
	-draw 'roundrectangle 66,108 446,356 30,30' -draw 'line 176,416 336,416' \
	-stroke '#e5a00d' -draw 'circle 196,232 196,186' -draw 'line 242,232 362,232' \
	-draw 'line 348,232 348,276' -draw 'line 300,232 300,262' \
	-depth 8 $plain icon.png
