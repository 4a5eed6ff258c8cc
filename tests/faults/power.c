/* Power cuts. As a program (-DCUT): stops the file system of the folder named by its argument at once, nothing written back, by
 * the shutdown ioctl of ext4 and xfs. As a shared library: syncing does nothing, which is what a program without it does. */
#ifdef CUT
#include <fcntl.h>
#include <linux/ioctl.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/ioctl.h>

#define SHUTDOWN _IOR('X', 125, uint32_t)
#define NO_LOG_FLUSH 2

int main(int argc, char **argv) {
    uint32_t how = NO_LOG_FLUSH;
    int folder = argc == 2 ? open(argv[1], O_RDONLY) : -1;
    if (folder < 0 || ioctl(folder, SHUTDOWN, &how) != 0) {
        perror("cut");
        return 1;
    }
    return 0;
}
#else
int fsync(int file) { (void)file; return 0; }
int fdatasync(int file) { (void)file; return 0; }
#endif
