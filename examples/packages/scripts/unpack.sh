#!/bin/sh
# Unpacks package.tgz to where `import` looks for it: unpack.sh NAME
set -eu
rm -rf "node_modules/$1"
mkdir -p "node_modules/$1"
tar -xzf package.tgz -C "node_modules/$1" --strip-components=1
