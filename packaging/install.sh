#!/bin/sh
# Installs what was built, or takes it away again.
#
#     packaging/install.sh install BUILD ROOT       ROOT is $(DESTDIR)$(PREFIX)
#     packaging/install.sh uninstall BUILD ROOT
set -eu
what=$1 build=$2 root=$3
cd "$(dirname "$0")/.."
case $build in /*) ;; *) build=$PWD/$build ;; esac
doc=share/doc/cnnc

# Where to, and how it is made: copied from a file, filled in with the version, printed by cnnc, or a link.
list() {
    cat << END
bin/cnnc copy $build/cnnc
lib/cnnc/libcnnc_runtime.a copy $build/libcnnc_runtime.a
lib/cnnc/include/runtime.h copy $build/include/runtime.h
lib/pkgconfig/cnnc.pc fill packaging/cnnc.pc.in
lib/cmake/cnnc/cnncConfig.cmake copy packaging/cnncConfig.cmake
lib/cmake/cnnc/cnncConfigVersion.cmake fill packaging/cnncConfigVersion.cmake.in
share/man/man1/cnnc.1 print man
share/man/man1/cnnc-trainer.1 print trainer
share/bash-completion/completions/cnnc print bash
share/zsh/site-functions/_cnnc print zsh
bin/cnnc-convert link ../lib/cnnc/convert/cnnc_convert.py
lib/cnnc/convert/cnnc_convert.py copy tools/cnnc_convert.py
END
    for file in tools/convert/*.py; do echo "lib/cnnc/convert/convert/${file##*/} copy $file"; done
    for file in README.md LICENSE CHANGELOG.md docs/*; do echo "$doc/$file copy $file"; done
    for file in syntax ftdetect ftplugin; do
        echo "share/vim/vimfiles/$file/cnnc.vim copy editors/vim/$file/cnnc.vim"
    done
    for file in package.json language-configuration.json syntaxes/cnnc.tmLanguage.json; do
        echo "share/cnnc/vscode/$file copy editors/vscode/$file"
    done
    # Of the examples what is the project's, not what was built among it.
    { git ls-files -co --exclude-standard examples 2> /dev/null || find examples -type f | sort; } | grep -v '/[.]gitignore$' | while read -r file; do
        echo "$doc/$file copy $file"
    done
}

# The folders that all of it stands in; . is the root.
folders() {
    list | while read -r path rest; do
        while case $path in */*) true ;; *) false ;; esac do
            path=${path%/*}
            echo "$path"
        done
    done | sort -u
    echo .
}

# Which of them were made here, those and no others go again when they are empty.
made=lib/cnnc/folders
if [ "$what" = install ]; then
    new=$(folders | while read -r folder; do [ -d "$root/$folder" ] || echo "$folder"; done)
else
    new=$(cat "$root/$made" 2> /dev/null || true)
    rm -f "$root/$made"
fi

list | while read -r path how from; do
    target=$root/$path
    if [ "$what" = uninstall ]; then
        rm -f "$target"
        continue
    fi
    mkdir -p "$(dirname "$target")"
    rm -f "$target" # a running program's file may be unlinked, not written to
    case $how in
    copy) cp "$from" "$target" ;;
    link) ln -s "$from" "$target" && continue ;;
    fill) sed "s/@VERSION@/$("$build/cnnc" --version | cut -d ' ' -f 2)/" "$from" > "$target" ;;
    print) "$build/cnnc" --manual="$from" > "$target" ;;
    esac
    case $path in bin/* | */cnnc_convert.py) chmod 755 "$target" ;; *) chmod 644 "$target" ;; esac
done
if [ "$what" = uninstall ]; then
    rm -rf "${root:?}/$doc/examples" # with what was built among them
    for folder in lib/cnnc lib/cmake/cnnc share/cnnc "$doc"; do # cnnc's own, however they came there
        [ ! -d "$root/$folder" ] || find "$root/$folder" -depth -type d -empty -delete
    done
    echo "$new" | LC_ALL=C sort -ru | while read -r folder; do
        [ -z "$folder" ] || rmdir "$root/${folder#.}" 2> /dev/null || true
    done
else
    [ -z "$new" ] || echo "$new" >> "$root/$made"
    echo "installed: $root/bin/cnnc"
fi
