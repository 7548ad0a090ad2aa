#!/bin/sh
# Prints a root filesystem as a tar archive: a shell, some programs, git, and the Python of a virtual environment, all as they
# are on this machine (Linux with glibc and GNU tar).
#   sh make-image.sh .venv | docker import - taskgraph-decision:local
set -eu
venv=$(cd "$1" && pwd -P)
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT

mkdir -p "$root/bin" "$root/etc" "$root/root" "$root/usr/local/bin" "$root/builds"
mkdir -m 1777 "$root/tmp"
echo 'root:x:0:0:root:/root:/bin/sh' >"$root/etc/passwd"
# In the PATH that containers have.
printf '#!/bin/sh\nexec "%s/bin/taskgraph" "$@"\n' "$venv" >"$root/usr/local/bin/taskgraph"
chmod 755 "$root/usr/local/bin/taskgraph"
for program in sh env cat cp ls mkdir rm sed git; do
  cp -L "$(command -v "$program")" "$root/bin/$program"
done

python=$("$venv/bin/python" -c 'import sys; print(sys._base_executable)')
library=$("$venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("stdlib"))')
# What goes in at the path that it has here, and then the shared libraries of all that.
{
  echo "$python"
  echo "$venv"
  echo "$library"
  git --exec-path
} >"$root/paths"
{
  find "$root/bin" "$python" -type f -o -type l
  find "$venv" "$library" -name '*.so' -not -path '*/test/*'
} | xargs ldd 2>/dev/null | sed -n 's/^[^/]*\(\/[^ :]*\) (0x.*/\1/p' | sort -u >"$root/libraries"

cd /
sed 's|^/||' "$root/paths" "$root/libraries" |
  tar --create --dereference --hard-dereference --exclude="${library#/}/config-*" \
    --exclude="${library#/}/site-packages" --exclude="${library#/}/test" --files-from=- \
    --directory="$root" bin etc root tmp usr builds
