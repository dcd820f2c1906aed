#!/bin/sh
# Last step before a guest: runs in a mount and network namespace of its own, so the overlay, the interfaces and
# everything else made here vanish with the guest, however it ends.
# usage: launch.sh FOLDER IMAGE HOST_PID [cgroup FILE]... [nic NAME MAC PEER BRIDGE MTU|-]... -- COMMAND...
set -eu
folder=$1 image=$2 host_pid=$3
shift 3

while [ "$1" != -- ]; do
  case $1 in
    cgroup)
      echo $$ > "$2"
      shift 2
      ;;
    nic)
      ip link add "$2" address "$3" type veth peer name "$4" netns "$host_pid"
      nsenter --net="/proc/$host_pid/ns/net" ip link set "$4" master "$5" up
      if [ "$6" != - ]; then ip link set "$2" mtu "$6"; fi
      shift 6
      ;;
    *)
      echo "launch.sh: unknown word '$1'" >&2
      exit 2
      ;;
  esac
done
shift

cd "$folder"
mount -t overlay -o "lowerdir=$image,upperdir=upper,workdir=work" lab-guest merged
# This namespace would keep every image of every checkout in use; the overlay holds on to its own by itself.
umount --all --types squashfs || true
ip link set lo up
exec "$@"
