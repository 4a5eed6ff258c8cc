/* Makes a file operation of a program fail, or the program die at it: loaded by LD_PRELOAD.
 *
 * Operations on files below FAULT_ROOT have names: the operation and the folder below that root, as in
 * `rename:objects`. Each is noted in FAULT_LOG, if given. The FAULT_NTH time that the one called FAULT_POINT is about
 * to happen, FAULT_DO happens instead: `kill` (SIGKILL to the process), `EIO`, `ENOSPC`, `ENOLCK`, `EPERM`, `hang` (the call never
 * returns), or `torn` (half of a write, and then SIGKILL). That time only, or with FAULT_NTH=0 each time.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

static atomic_int times;

#define REAL(result, name, ...)                                    \
  static result (*real)(__VA_ARGS__);                              \
  if (!real) real = (result(*)(__VA_ARGS__))dlsym(RTLD_NEXT, name)

static ssize_t real_write(int fd, const void *bytes, size_t n) {
  REAL(ssize_t, "write", int, const void *, size_t);
  return real(fd, bytes, n);
}

/* The folder below the root that `path` lies in; `root` for the root's own files; NULL where it lies elsewhere. */
static const char *place(const char *path, char *out, size_t size) {
  const char *root = getenv("FAULT_ROOT");
  size_t n = root ? strlen(root) : 0;
  if (!n || strncmp(path, root, n) || (path[n] != '/' && path[n])) return NULL;
  const char *below = path[n] ? path + n + 1 : "";
  const char *end = strchr(below, '/');
  /* Attempts and checkpoints are told apart. */
  if (!strncmp(below, "work/", 5)) {
    below += 5;
    end = strchr(below, '/');
    if (!end) end = below + strlen(below);
  }
  if (!end) {
    struct stat meta;
    int is_folder = !fstatat(AT_FDCWD, path, &meta, 0) && S_ISDIR(meta.st_mode);
    if (!is_folder) return "root";
    end = below + strlen(below);
  }
  snprintf(out, size, "%.*s", (int)(end - below), below);
  return out[0] ? out : "root";
}


static void die(void) {
  kill(getpid(), SIGKILL);
  for (;;) pause();
}

/* Whether the operation is to fail; errno is set then. 2: it is to be torn. */
static int strikes(const char *operation, const char *where, const char *path, const char *from) {
  if (!where) return 0;
  char name[128];
  snprintf(name, sizeof name, "%s:%s", operation, where);
  const char *log = getenv("FAULT_LOG");
  if (log) {
    REAL(int, "open64", const char *, int, ...);
    int fd = real(log, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
    if (fd >= 0) {
      char line[2 * PATH_MAX + 256];
      int n = snprintf(line, sizeof line, "%s\t%s\t%s\n", name, path, from);
      if (real_write(fd, line, n) < 0) abort();
      close(fd);
    }
  }
  const char *point = getenv("FAULT_POINT"), *nth = getenv("FAULT_NTH"), *what = getenv("FAULT_DO");
  if (!point || !what || strcmp(point, name)) return 0;
  int now = atomic_fetch_add(&times, 1) + 1, at = nth ? atoi(nth) : 1;
  if (at && now != at) return 0;
  if (!strcmp(what, "kill")) die();
  if (!strcmp(what, "torn")) return 2;
  if (!strcmp(what, "hang")) for (;;) pause();
  errno = !strcmp(what, "ENOSPC")   ? ENOSPC
          : !strcmp(what, "ENOLCK") ? ENOLCK
          : !strcmp(what, "EPERM")  ? EPERM
                                    : EIO;
  return 1;
}

static int at_path(const char *operation, const char *path) {
  char out[64];
  return path[0] == '/' ? strikes(operation, place(path, out, sizeof out), path, "") : 0;
}

static int at_fd(const char *operation, int fd) {
  char out[64], link[64], path[PATH_MAX];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t n = readlink(link, path, sizeof path - 1);
  if (n <= 0) return 0;
  path[n] = 0;
  return strikes(operation, place(path, out, sizeof out), path, "");
}

#define OPEN(name)                                                            \
  int name(const char *path, int flags, ...) {                                \
    REAL(int, #name, const char *, int, ...);                                 \
    mode_t mode = 0;                                                          \
    if (flags & (O_CREAT | O_TMPFILE)) {                                      \
      va_list list;                                                           \
      va_start(list, flags);                                                  \
      mode = va_arg(list, mode_t);                                            \
      va_end(list);                                                           \
    }                                                                         \
    const char *what = (flags & O_CREAT) ? "create" : "open";                 \
    if (at_path(what, path) == 1) return -1;                                  \
    return real(path, flags, mode);                                           \
  }
OPEN(open)
OPEN(open64)

ssize_t write(int fd, const void *bytes, size_t n) {
  int strike = at_fd("write", fd);
  if (strike == 2) {
    real_write(fd, bytes, n / 2);
    die();
  }
  return strike ? -1 : real_write(fd, bytes, n);
}

ssize_t writev(int fd, const struct iovec *parts, int n) {
  REAL(ssize_t, "writev", int, const struct iovec *, int);
  return at_fd("write", fd) ? -1 : real(fd, parts, n);
}

#define PWRITE(name)                                                          \
  ssize_t name(int fd, const void *bytes, size_t n, off64_t at) {             \
    REAL(ssize_t, #name, int, const void *, size_t, off64_t);                 \
    int strike = at_fd("write", fd);                                          \
    if (strike == 2) {                                                        \
      real(fd, bytes, n / 2, at);                                             \
      die();                                                                  \
    }                                                                         \
    return strike ? -1 : real(fd, bytes, n, at);                              \
  }
PWRITE(pwrite)
PWRITE(pwrite64)

int fsync(int fd) {
  REAL(int, "fsync", int);
  struct stat meta;
  int is_folder = !fstat(fd, &meta) && S_ISDIR(meta.st_mode);
  return at_fd(is_folder ? "sync_folder" : "sync", fd) ? -1 : real(fd);
}

/* Giving a lock back is no matter. */
int flock(int fd, int operation) {
  REAL(int, "flock", int, int);
  return !(operation & LOCK_UN) && at_fd("lock", fd) ? -1 : real(fd, operation);
}

int rename(const char *from, const char *to) {
  REAL(int, "rename", const char *, const char *);
  char out[64];
  return strikes("rename", place(to, out, sizeof out), to, from) ? -1 : real(from, to);
}

int linkat(int from_folder, const char *from, int to_folder, const char *to, int flags) {
  REAL(int, "linkat", int, const char *, int, const char *, int);
  char out[64];
  if (to[0] == '/' && strikes("link", place(to, out, sizeof out), to, from)) return -1;
  return real(from_folder, from, to_folder, to, flags);
}

int link(const char *from, const char *to) { return linkat(AT_FDCWD, from, AT_FDCWD, to, 0); }

int chmod(const char *path, mode_t mode) {
  REAL(int, "chmod", const char *, mode_t);
  return at_path("chmod", path) ? -1 : real(path, mode);
}

int mkdir(const char *path, mode_t mode) {
  REAL(int, "mkdir", const char *, mode_t);
  return at_path("mkdir", path) ? -1 : real(path, mode);
}

int unlink(const char *path) {
  REAL(int, "unlink", const char *);
  return at_path("unlink", path) ? -1 : real(path);
}

int unlinkat(int folder, const char *path, int flags) {
  REAL(int, "unlinkat", int, const char *, int);
  if (path[0] == '/' ? at_path("unlink", path) : at_fd("unlink", folder)) return -1;
  return real(folder, path, flags);
}

int rmdir(const char *path) {
  REAL(int, "rmdir", const char *);
  return at_path("unlink", path) ? -1 : real(path);
}

#define FTRUNCATE(name)                                                       \
  int name(int fd, off64_t length) {                                          \
    REAL(int, #name, int, off64_t);                                           \
    return at_fd("truncate", fd) ? -1 : real(fd, length);                     \
  }
FTRUNCATE(ftruncate)
FTRUNCATE(ftruncate64)
