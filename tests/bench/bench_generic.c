/* bench_generic FILE [ROUNDS]: nanoseconds per name of the generic-name judge.
 *
 * FILE holds lines of address and name, tab separated; other fields and lines
 * are left out. All is in memory before the clock starts; a round covers the
 * whole way from the text of a line to the verdict.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "shape/shape.h"

#define LINES_MAX 100000

static struct {
    char ip[64], name[256];
} lines[LINES_MAX];

static size_t read_lines(const char *path)
{
    char line[2048];
    size_t n = 0;
    FILE *f = fopen(path, "r");

    if (f == NULL) {
        perror(path);
        exit(1);
    }
    while (n < LINES_MAX && fgets(line, sizeof(line), f) != NULL)
        if (sscanf(line, "%63[^\t]\t%255[^\t\r\n]", lines[n].ip, lines[n].name) == 2)
            n++;
    fclose(f);
    return n;
}

static size_t one_round(size_t n, size_t seen[3])
{
    struct shape g;
    struct dname name;
    struct addr client;
    size_t i, judged = 0;

    for (i = 0; i < n; i++)
        if (addr_parse(&client, lines[i].ip, strlen(lines[i].ip)) &&
            dname_from_text(&name, lines[i].name, strlen(lines[i].name)) && dname_is_host(&name)) {
            shape_judge(&g, &name, &client);
            seen[g.kind]++;
            judged++;
        }
    return judged;
}

int main(int argc, char **argv)
{
    size_t n, i, judged = 0, seen[3] = {0}, rounds = argc > 2 ? strtoul(argv[2], NULL, 10) : 50;
    struct timespec a, b;
    double ns;

    if (argc < 2) {
        fprintf(stderr, "usage: bench_generic FILE [ROUNDS]\n");
        return 2;
    }
    n = read_lines(argv[1]);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &a);
    for (i = 0; i < rounds; i++)
        judged += one_round(n, seen);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &b);
    ns = (double)(b.tv_sec - a.tv_sec) * 1e9 + (double)(b.tv_nsec - a.tv_nsec);
    if (judged == 0)
        return 1;
    printf("%zu names, %.0f ns per name, %.2f million names a second\n", judged,
           ns / (double)judged, 1e3 * (double)judged / ns);
    printf("named %zu, generic %zu, provider %zu\n", seen[SHAPE_NAMED], seen[SHAPE_GENERIC],
           seen[SHAPE_PROVIDER]);
    return 0;
}
