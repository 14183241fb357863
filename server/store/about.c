/* Records of objects as files. See the header. */
#include "store/about.h"

#include "base/files.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HEAD "mlpd-about-1 "
#define HEAD_BYTES (sizeof HEAD - 1 + 16 + 1) /* and the hash, and the end of the line */
#define FILE_BYTES_MAX ((uint64_t)256 << 20)  /* a profile of 64 MiB, escaped */

void about_done(struct about *about)
{
    free(about->text);
    about->text = NULL;
}

static void head_print(char head[HEAD_BYTES + 1], const char *text, size_t n)
{
    snprintf(head, HEAD_BYTES + 1, HEAD "%016" PRIx64 "\n", files_hash(FILES_HASH, text, n));
}

bool about_write(int fd, const struct about *about, bool sync, struct err *err)
{
    char head[HEAD_BYTES + 1];
    char *text = about_print(about, err);
    if (!text)
        return false;
    size_t n = strlen(text);
    head_print(head, text, n);
    bool ok = files_write(fd, head, HEAD_BYTES, err) && files_write(fd, text, n, err) &&
              (!sync || files_sync(fd, err));
    free(text);
    return ok;
}

static bool damaged(struct err *err)
{
    return err_set(err, ERR_CORRUPT, "the record is damaged");
}

static bool content_read(int fd, char **content, size_t *n, struct err *err)
{
    uint64_t size;
    if (!files_size(fd, &size, err))
        return false;
    if (size < HEAD_BYTES || size > FILE_BYTES_MAX)
        return damaged(err);
    char *read = malloc((size_t)size + 1);
    if (!read)
        return err_memory(err, "a record");
    read[size] = '\0';
    if (!files_read_at(fd, read, (size_t)size, 0, err)) {
        free(read);
        return false;
    }
    *content = read;
    *n = (size_t)size;
    return true;
}

bool about_read(const char *path, struct about *about, struct err *err)
{
    char head[HEAD_BYTES + 1], *content = NULL;
    size_t n = 0;
    int fd = files_open(path, err);
    if (fd < 0)
        return false;
    bool ok = content_read(fd, &content, &n, err);
    close(fd);
    if (!ok)
        return false;
    head_print(head, content + HEAD_BYTES, n - HEAD_BYTES);
    ok = !memcmp(head, content, HEAD_BYTES) ? about_parse(content + HEAD_BYTES, n - HEAD_BYTES, about, err)
                                            : damaged(err);
    free(content);
    return ok;
}
