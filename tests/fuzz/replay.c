/* replay FILE-OR-DIRECTORY...: feeds each file once to a fuzz target.
 *
 * With this main a fuzz target is an ordinary test program over a kept corpus,
 * for compilers without libFuzzer. Prints how many files were fed; fails if a
 * path cannot be read or there was none.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#define FILE_MAX (1u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t fed;

static int feed_file(const char *path)
{
    uint8_t *data = malloc(FILE_MAX), *exact = NULL;
    FILE *f = fopen(path, "rb");
    size_t n = 0, i;
    int bad = f == NULL || data == NULL;

    if (!bad) {
        n = fread(data, 1, FILE_MAX, f);
        bad = ferror(f) != 0;
        exact = malloc(n > 0 ? n : 1); /* of its very size, for the sanitizer */
        bad = bad || exact == NULL;
    }
    if (bad) {
        perror(path);
    } else {
        for (i = 0; i < n; i++)
            exact[i] = data[i];
        LLVMFuzzerTestOneInput(exact, n);
        fed++;
    }
    if (f != NULL)
        fclose(f);
    free(exact);
    free(data);
    return bad;
}

static int feed(const char *path)
{
    struct stat st;
    struct dirent *e;
    char inner[4096];
    DIR *d;
    int bad = 0;

    if (stat(path, &st) != 0) {
        perror(path);
        return 1;
    }
    if (!S_ISDIR(st.st_mode))
        return feed_file(path);
    d = opendir(path);
    if (d == NULL) {
        perror(path);
        return 1;
    }
    while ((e = readdir(d)) != NULL) {
        if (e->d_name[0] == '.')
            continue;
        if (snprintf(inner, sizeof(inner), "%s/%s", path, e->d_name) >= (int)sizeof(inner))
            bad = 1;
        else
            bad |= feed(inner);
    }
    closedir(d);
    return bad;
}

int main(int argc, char **argv)
{
    int i, bad = 0;

    for (i = 1; i < argc; i++)
        bad |= feed(argv[i]);
    printf("%zu inputs\n", fed);
    return bad || fed == 0;
}
