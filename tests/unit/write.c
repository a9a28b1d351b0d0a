#define _GNU_SOURCE /* unshare */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "files.h"
#include "patience.h"
#include "scratch.h"

TestSuite(write, .init = scratch_begin, .fini = scratch_end);

static void assert_content(const char *path, const char *expected)
{
    size_t size;
    uint8_t *bytes = scratch_load(path, &size);
    cr_assert_str_eq((char *)bytes, expected);
    free(bytes);
}

static bool write_text(const char *path, const char *text, Failure *failure)
{
    Writer writer;
    if (!write_begin(&writer, path, failure)) return false;
    cr_assert(fputs(text, writer.stream) >= 0);
    return write_end(&writer, failure);
}

Test(write, makes_a_file_as_the_umask_says)
{
    Failure failure;
    umask(027);
    assert_good(write_text(scratch_path("a"), "new", &failure), &failure);
    assert_content(scratch_path("a"), "new");
    struct stat status;
    cr_assert_eq(stat(scratch_path("a"), &status), 0);
    cr_assert_eq(status.st_mode & 0777, 0640);
    cr_assert_eq(scratch_files(), 1);
}

Test(write, keeps_the_old_file_until_the_end)
{
    Failure failure;
    Writer writer;
    const char *path = scratch_write("a", "old", 3);
    cr_assert_eq(chmod(path, 0604), 0);
    assert_good(write_begin(&writer, path, &failure), &failure);
    assert_good(write_bytes(&writer, "new", 3, &failure), &failure);
    assert_content(path, "old");
    assert_good(write_end(&writer, &failure), &failure);
    assert_content(path, "new");
    struct stat status;
    cr_assert_eq(stat(path, &status), 0);
    cr_assert_eq(status.st_mode & 0777, 0604);
    write_abandon(&writer); /* does nothing after write_end */
    assert_content(path, "new");
    cr_assert_eq(scratch_files(), 1);
}

Test(write, abandoned_leaves_all_as_it_was)
{
    Failure failure;
    Writer writer;
    const char *path = scratch_write("a", "old", 3);
    assert_good(write_begin(&writer, path, &failure), &failure);
    fputs("new", writer.stream);
    cr_assert_eq(scratch_files(), 2);
    write_abandon(&writer);
    assert_content(path, "old");
    cr_assert_eq(scratch_files(), 1);
}

Test(write, follows_links)
{
    Failure failure;
    scratch_write("a", "old", 3);
    cr_assert_eq(symlink("a", scratch_path("link")), 0);
    cr_assert_eq(symlink(scratch_path("link"), scratch_path("second")), 0);
    assert_good(write_text(scratch_path("second"), "new", &failure), &failure);
    assert_content(scratch_path("a"), "new");
    struct stat status;
    cr_assert(lstat(scratch_path("link"), &status) == 0 && S_ISLNK(status.st_mode));
    cr_assert(lstat(scratch_path("second"), &status) == 0 && S_ISLNK(status.st_mode));

    cr_assert_eq(symlink("b", scratch_path("to nothing")), 0);
    assert_good(write_text(scratch_path("to nothing"), "new", &failure), &failure);
    assert_content(scratch_path("b"), "new");

    cr_assert_eq(symlink("loop", scratch_path("loop")), 0);
    assert_refused(write_text(scratch_path("loop"), "new", &failure), &failure, "/loop: ", "symbolic links");
}

Test(write, refuses_bad_places)
{
    Failure failure;
    char name[300];
    memset(name, 'a', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    scratch_write("a", "old", 3);
    assert_refused(write_text(scratch_path("."), "x", &failure), &failure, "is a folder");
    assert_refused(write_text(scratch_path("none/b"), "x", &failure), &failure, "/none/b: ", "folder", "No such file");
    assert_refused(write_text(scratch_path("a/b"), "x", &failure), &failure, "/a/b: ", "Not a directory");
    assert_refused(write_text(scratch_path("b/"), "x", &failure), &failure, "/b/: names no file");
    assert_refused(write_text(scratch_path(name), "x", &failure), &failure, "File name too long");
    assert_refused(write_text("", "x", &failure), &failure, "names no file");
    cr_assert_eq(scratch_files(), 1);
}

Test(write, of_a_device_is_direct)
{
    Failure failure;
    assert_good(write_text("/dev/null", "x", &failure), &failure);
    assert_refused(write_text("/dev/full", "x", &failure), &failure, "/dev/full: ", "No space left");
    Array array;
    assert_good(array_new(&array, ARRAY_FLOAT32, 1, (int64_t[]){100000}, &failure), &failure);
    assert_refused(npy_write("/dev/full", &array, &failure), &failure, "/dev/full: ", "No space left");
    TensorFile file = {0};
    assert_good(safetensors_add(&file, "a", &array, &failure), &failure);
    assert_refused(safetensors_write("/dev/full", &file, &failure), &failure, "/dev/full: ", "No space left");
    safetensors_free(&file);
    array_free(&array);
    assert_good(array_new(&array, ARRAY_UINT8, 3, (int64_t[]){2, 2, 1}, &failure), &failure);
    assert_refused(png_write("/dev/full", &array, &failure), &failure, "/dev/full: ", "No space left");
    array_free(&array);
    struct stat status;
    cr_assert(stat("/dev/full", &status) == 0 && S_ISCHR(status.st_mode));
}

/* What an open file has already is not lost, as it would be if the file were opened anew or replaced. */
Test(write, of_an_open_file_goes_on_in_it)
{
    Failure failure;
    int descriptor = open(scratch_path("log"), O_WRONLY | O_CREAT, 0600);
    cr_assert_eq(write(descriptor, "first ", 6), 6);
    char path[32];
    snprintf(path, sizeof path, "/dev/fd/%d", descriptor);
    assert_good(write_text(path, "second ", &failure), &failure);
    cr_assert_eq(write(descriptor, "third", 5), 5);
    cr_assert_eq(close(descriptor), 0);
    assert_content(scratch_path("log"), "first second third");
    assert_refused(write_text(path, "x", &failure), &failure, path, "Bad file descriptor");
}

Test(write, does_not_wait_for_a_pipe, .timeout = 5 * PATIENCE)
{
    Failure failure;
    cr_assert_eq(mkfifo(scratch_path("pipe"), 0600), 0);
    assert_refused(write_text(scratch_path("pipe"), "x", &failure), &failure, "/pipe: cannot be written");
    int reader = open(scratch_path("pipe"), O_RDONLY | O_NONBLOCK);
    assert_good(write_text(scratch_path("pipe"), "through", &failure), &failure);
    char text[8] = "";
    cr_assert_eq(read(reader, text, 7), 7);
    cr_assert_str_eq(text, "through");
    close(reader);
}

Test(write, of_a_read_only_folder_or_file_fails)
{
    Failure failure;
    const char *folder = scratch_path("folder"), *old = scratch_path("folder/old"), *locked = scratch_path("locked");
    cr_assert_eq(mkdir(folder, 0755), 0);
    cr_assert(scratch_write("folder/old", "old", 3) && scratch_write("locked", "old", 3));
    cr_assert(chmod(scratch_path("."), 0777) == 0 && chmod(old, 0666) == 0 && chmod(folder, 0555) == 0 &&
              chmod(locked, 0444) == 0);
    bool root = geteuid() == 0; /* nothing is forbidden to root */
    if (root) cr_assert_eq(seteuid(65534), 0);
    assert_refused(write_text(old, "new", &failure), &failure, "/folder/old: ", "its folder", "Permission denied");
    assert_refused(write_text(scratch_path("folder/new"), "new", &failure), &failure, "/folder/new: ", "Permission denied");
    assert_refused(write_text(locked, "new", &failure), &failure, "/locked: must not be overwritten", "Permission denied");
    if (root) cr_assert_eq(seteuid(0), 0);
    assert_content(old, "old");
    assert_content(locked, "old");
    cr_assert_eq(chmod(folder, 0755), 0);
    cr_assert_eq(unlink(old), 0);
}

/* A full disk: a tmpfs of 64 KB, in a mount namespace of its own. */
Test(write, to_a_full_disk_keeps_the_old_file)
{
    const char *disk = scratch_path("disk");
    cr_assert_eq(mkdir(disk, 0755), 0);
    if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("none", disk, "tmpfs", 0, "size=64k") != 0)
        cr_skip_test("a file system can be mounted by root only");
    Failure failure;
    scratch_write("disk/w", "old", 3);
    Array array;
    TensorFile file = {0};
    assert_good(array_new(&array, ARRAY_FLOAT32, 1, (int64_t[]){100000}, &failure), &failure);
    assert_good(safetensors_add(&file, "a", &array, &failure), &failure);
    const char *path = scratch_path("disk/w");
    assert_refused(safetensors_write(path, &file, &failure), &failure, "/disk/w: cannot be written: No space left");
    assert_refused(npy_write(path, &array, &failure), &failure, "/disk/w: cannot be written: No space left");
    char text[65000];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    assert_refused(write_text(path, text, &failure), &failure, "/disk/w: "); /* fails in fputs or in write_end */
    assert_content(path, "old");
    cr_assert_eq(unlink(path), 0);
    cr_assert_eq(umount(disk), 0);
    safetensors_free(&file);
    array_free(&array);
}
