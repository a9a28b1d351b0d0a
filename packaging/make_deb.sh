#!/bin/sh
# A Debian package of what `make install PREFIX=/usr` installs.
#
#     packaging/make_deb.sh BUILD        writes BUILD/cnnc_VERSION_ARCHITECTURE.deb
set -eu
build=$1 root=$1/deb
architecture=$(dpkg --print-architecture)
version=$("$build/cnnc" --version | cut -d ' ' -f 2)

rm -rf "$root"
mkdir -p "$root/DEBIAN"
"$(dirname "$0")/install.sh" install "$build" "$root/usr" > /dev/null
(
    cd "$root/usr"
    rm lib/cnnc/folders # dpkg knows
    mv share/zsh/site-functions share/zsh/vendor-completions # where Debian's zsh looks
    mv share/doc/cnnc/LICENSE share/doc/cnnc/copyright
    mv share/doc/cnnc/CHANGELOG.md share/doc/cnnc/changelog
    gzip -9n share/doc/cnnc/changelog share/man/man1/*.1
    strip bin/cnnc
    strip --strip-debug --enable-deterministic-archives lib/cnnc/libcnnc_runtime.a
)

# The libraries of cnnc itself, as dpkg-shlibdeps finds them; it wants a source package around it.
mkdir "$root/debian"
printf 'Source: cnnc\n\nPackage: cnnc\nArchitecture: any\n' > "$root/debian/control"
libraries=$(cd "$root" && dpkg-shlibdeps -O usr/bin/cnnc | sed -n 's/^shlibs:Depends=//p')
rm -r "$root/debian"

cat > "$root/DEBIAN/control" << END
Package: cnnc
Version: $version
Section: devel
Priority: optional
Architecture: $architecture
Maintainer: the cnnc authors <cnnc@localhost>
Installed-Size: $(du -sk "$root/usr" | cut -f 1)
Depends: $libraries, gcc | clang, libc6-dev
Recommends: libcjson-dev, libpng-dev, zlib1g-dev
Suggests: cmake, pkg-config, python3-numpy, python3-h5py
Description: compiles descriptions of neural networks to C
 cnnc reads a small text that says what a neural network looks like and how it
 is trained, and writes C that does exactly that: inference that fits into any
 program, and a trainer with Keras's fit, evaluate and predict.
 .
 The recommended packages are what trainers are linked with.
END
(cd "$root" && find usr -type f -print0 | sort -z | xargs -0 md5sum > DEBIAN/md5sums)
find "$root" -type d -exec chmod 755 {} +
dpkg-deb --root-owner-group --build "$root" "$build/cnnc_${version}_$architecture.deb"
