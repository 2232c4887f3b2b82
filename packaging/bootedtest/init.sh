#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# PID 1 of new namespaces: turns a copy of a root file system, with all changes
# kept in memory, into the root, and becomes systemd there.
#   init.sh ROOT DIR BUS FILES PACKAGE ENVIRONMENT [COMMAND...]
# ROOT is copied, / for this machine's own. DIR is an empty directory, BUS dbus or
# dbus-broker. FILES appears in the box as /opt/box. PACKAGE enabled or disabled
# has the package in there installed before systemd runs, as for an image. COMMAND
# is run at the top of the new root, and systemd gets ENVIRONMENT.
set -eu
root=$1 dir=$2 bus=$3 files=$4 package=$5 environment=$6
shift 6

mount --make-rprivate /
mount -t tmpfs -o mode=0755,size=1g box "$dir"
mkdir "$dir/changes" "$dir/work" "$dir/root"
mount -t overlay -o "lowerdir=$root,upperdir=$dir/changes,workdir=$dir/work" box "$dir/root"
cd "$dir/root"

mount -t proc -o nosuid,nodev,noexec proc proc
# What reaches beyond the namespaces stays as it is.
for shared in sys sysrq-trigger irq bus; do
    [ -e "proc/$shared" ] || continue
    mount --bind "proc/$shared" "proc/$shared"
    mount -o remount,bind,ro "proc/$shared"
done
mount -t sysfs -o ro,nosuid,nodev,noexec sysfs sys
mount -t cgroup2 -o nosuid,nodev,noexec cgroup2 sys/fs/cgroup

mount -t tmpfs -o mode=0755,nosuid tmpfs dev
for device in null zero full random urandom tty; do
    : > "dev/$device"
    mount --bind "/dev/$device" "dev/$device"
done
ln -s /proc/self/fd dev/fd
mkdir dev/pts dev/shm
mount -t devpts -o newinstance,ptmxmode=0666,mode=0620 devpts dev/pts
ln -s pts/ptmx dev/ptmx
mount -t tmpfs -o mode=1777,nosuid,nodev tmpfs dev/shm
mount -t tmpfs -o mode=0755,nosuid,nodev tmpfs run
mount -t tmpfs -o mode=1777,nosuid,nodev tmpfs tmp

# A box has services of its own, none of this machine's, and no hardware.
rm -rf etc/systemd/system/*.wants etc/systemd/system/*.requires var/log/journal
# Packages start what they install, and the index of manual pages is not rebuilt.
rm -f usr/sbin/policy-rc.d var/lib/man-db/auto-update
# A slim image would leave out the manual pages of what is installed.
grep -rl '^path-exclude' etc/dpkg | xargs -r sed -i '/^path-exclude/d'
for unit in systemd-udevd.service systemd-udev-trigger.service systemd-udevd-control.socket \
    systemd-udevd-kernel.socket systemd-timesyncd.service systemd-networkd.service \
    systemd-remount-fs.service systemd-journald-audit.socket dev-hugepages.mount \
    systemd-binfmt.service proc-sys-fs-binfmt_misc.automount systemd-update-utmp.service \
    systemd-random-seed.service systemd-sysctl.service systemd-modules-load.service getty.target; do
    ln -sf /dev/null "etc/systemd/system/$unit"
done
rm -f etc/systemd/system/dbus.service
if [ "$bus" = dbus-broker ]; then
    ln -s /lib/systemd/system/dbus-broker.service etc/systemd/system/dbus.service
fi
ln -sf /lib/systemd/system/multi-user.target etc/systemd/system/default.target
: > etc/fstab
tr -d - < /proc/sys/kernel/random/uuid > etc/machine-id
ln -sf /etc/machine-id var/lib/dbus/machine-id
echo box > etc/hostname

mkdir -p opt/box old
cp "$files"/* opt/box/
if [ -n "$package" ]; then
    chroot . dpkg --install /opt/box/plexauthd.deb
fi
if [ "$package" = disabled ]; then
    chroot . systemctl disable plexauthd
fi
"$@"
pivot_root . old
cd /
umount -l old
# As a machine's own root would be; systemd leaves that to container managers.
mount --make-rshared /
exec env -i container=box PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin $environment \
    setpriv --bounding-set=-sys_time,-sys_module,-sys_rawio,-sys_boot,-syslog \
    /lib/systemd/systemd --system --show-status=no --log-target=journal
