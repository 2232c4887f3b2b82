#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Turns the root directory that a box begins with, the current one, into one like
# LibreELEC's: box.sh FILES STORAGE
# FILES holds ca.pem, which the box trusts, and image, which is copied into the root.
# STORAGE appears as /storage, the only place that outlives the box.
set -eu
files=$1 storage=$2

# Their systemd looks for an administrator's units in /storage alone. What a box has
# there for its own sake moves away.
mkdir -p run/systemd/system
mv etc/systemd/system/* run/systemd/system/
rmdir etc/systemd/system
ln -s /storage/.config/system.d etc/systemd/system
cat > usr/lib/systemd/system/kodi.target <<'UNIT'
[Unit]
Description=Kodi
Requires=multi-user.target
After=multi-user.target
UNIT
ln -sf /usr/lib/systemd/system/kodi.target run/systemd/system/default.target

# Most commands are busybox's, and some are not there at all.
for command in sh cat chmod cp dirname grep kill mkdir rm tail; do
    ln -sf busybox "usr/bin/$command"
done
rm -f usr/bin/nsenter usr/bin/systemd-creds usr/bin/systemd-sysusers usr/bin/unshare

# Another service's policy, in the directory that plexauthd's has to get into.
cat > etc/dbus-1/system.d/tv.retune.Other.conf <<'POLICY'
<busconfig><policy context="default"><allow own="tv.retune.Other"/></policy></busconfig>
POLICY
rm -rf etc/ssl
mkdir etc/ssl
cp "$files/ca.pem" etc/ssl/cert.pem
[ ! -d "$files/image" ] || cp -r "$files/image/." .

mkdir -p storage
mount --bind "$storage" storage
mkdir -p storage/.config/system.d storage/.kodi/addons storage/.kodi/userdata/addon_data
mount -t tmpfs -o mode=0755,nosuid,nodev tmpfs var
mount -o remount,ro .
