#!/bin/sh
# SPDX-FileCopyrightText: preflight.ports contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# boot.sh CGROUP TREE FOLDER NSPAWN...: boots a guest, and again whenever it reboots. What it writes is in FOLDER, in
# memory, which only this process and the guest see: it outlives a reboot, and nothing is left when both have ended. The
# guest's network, and so its rules, outlives a reboot, too.
set -eu
cgroup=$1 tree=$2 folder=$3
shift 3
if [ "$cgroup" ]; then
    echo 0 >"$cgroup/cgroup.procs"
    exec unshare --mount "$0" "" "$tree" "$folder" "$@"
fi
mount -t tmpfs -o mode=0755 tmpfs "$folder"
mkdir "$folder/upper" "$folder/work" "$folder/root"
mount -t overlay -o "lowerdir=$tree,upperdir=$folder/upper,workdir=$folder/work" overlay "$folder/root"
status=133 # of a guest that reboots: EXIT_FORCE_RESTART
while [ "$status" = 133 ]; do
    status=0
    "$@" --directory="$folder/root" || status=$?
done
exit "$status"
