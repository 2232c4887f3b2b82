#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# gdbus-codegen 2.84.4: the description of an argument ends at its first line. What follows
# becomes text of the method, and the descriptions of all later arguments with it.
#
# The comments look like gtk-doc, where a description may have several lines. Here the
# second line ends the list of arguments: "@code: what to show" stands in the text, and the
# argument "code" has no description. Nothing is reported.
#
# Needs apt and user namespaces; runs as any user.
set -eu
cd "$(dirname "$0")"
. ./debian

interface() {
	cat <<EOF
<node>
  <!--
      org.example.Pair:

      Pairs.
  -->
  <interface name="org.example.Pair">
    <!--
      Start:
      @id: the number of the pairing,$1
      @code: what to show

      Starts.
    -->
    <method name="Start">
      <arg name="id" type="t" direction="out"/>
      <arg name="code" type="s" direction="out"/>
    </method>
  </interface>
</node>
EOF
}
# described prints the description that each argument has in the reference.
described() {
	rm -rf "$dir/reference"
	mkdir "$dir/reference"
	inside trixie gdbus-codegen --output-directory /tmp/reference --generate-docbook page /tmp/interface.xml
	tr '\n' ' ' <"$dir/reference/page-org.example.Pair.xml" | grep -o '<varlistentry>.*</varlistentry>' |
		sed 's/<[^>]*>/ /g; s/  */ /g'
}

debian trixie libglib2.0-dev-bin=2.84.4-3~deb13u5
interface " which stays" >"$dir/interface.xml"
same "on one line" "$(described)" " OUT t id : the number of the pairing, which stays OUT s code : what to show "
interface '
        which stays' >"$dir/interface.xml"
same "on two lines" "$(described)" " OUT t id : the number of the pairing, OUT s code : "
