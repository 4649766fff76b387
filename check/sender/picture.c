/* The picture of a client's chain: see page.h.
 *
 * A column of boxes with arrows between, so narrow that a telephone shows it at its size. A long
 * name has two lines; one that does not fit them is cut in the middle. The whole text is the box's
 * title, and stands below the picture anyway.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "check/html.h"
#include "check/sender/page.h"

#include <stdlib.h>
#include <string.h>

#define WIDTH       320
#define BOX         48
#define LINE        17 /* a second one */
#define WAY         34
#define GAP         16
#define FITS        33 /* letters of a name in a line */
#define NAMES_SHOWN 3

struct picture {
    FILE *out;
    unsigned y;
};

/* ---- pieces ---- */

static const char *glyph(const char *state)
{
    return strcmp(state, "ok") == 0       ? "&#10003;"
           : strcmp(state, "broken") == 0 ? "&#10007;"
           : strcmp(state, "weak") == 0   ? "!"
                                          : "?";
}

/* Letters of the first line: up to one after which a name or a sentence may end there, if its
 * second half has one. */
static size_t first_line(const char *text)
{
    size_t n = strlen(text), at;

    for (at = FITS; n > FITS && at > FITS / 2; at--)
        if (strchr(" .:-", text[at - 1]) != NULL)
            return at;
    return n < FITS ? n : FITS;
}

static void put_lines(FILE *out, const char *text)
{
    size_t head = first_line(text), n = strlen(text + head);
    char line[FITS + 1];

    snprintf(line, sizeof line, "%.*s", (int)head, text);
    html_text(out, line);
    if (n == 0)
        return;
    fprintf(out, "<tspan x=\"14\" dy=\"%d\">", LINE);
    if (n > FITS)
        fputs("...", out);
    html_text(out, n > FITS ? text + head + n - (FITS - 3) : text + head);
    fputs("</tspan>", out);
}

/* A box with what it is, the text, and the sign of its state; missing: nothing is there. */
static void box(struct picture *p, const char *state, bool missing, const char *label,
                const char *text)
{
    unsigned height = BOX + (text[first_line(text)] != '\0' ? LINE : 0);

    fprintf(p->out, "<g class=\"%s\"><title>", state);
    html_text(p->out, text);
    fprintf(p->out,
            "</title><rect class=\"box%s\" x=\"1\" y=\"%u\" width=\"%d\" height=\"%u\" "
            "rx=\"8\"/><text class=\"label\" x=\"14\" y=\"%u\">",
            missing ? " none" : "", p->y, WIDTH - 2, height, p->y + 19);
    html_text(p->out, label);
    fprintf(p->out, "</text><text class=\"name\" x=\"14\" y=\"%u\">", p->y + 38);
    put_lines(p->out, text);
    fprintf(p->out,
            "</text><circle class=\"sign\" cx=\"%d\" cy=\"%u\" r=\"11\"/><text class=\"glyph\" "
            "x=\"%d\" y=\"%u\">%s</text></g>\n",
            WIDTH - 24, p->y + height / 2, WIDTH - 24, p->y + height / 2 + 5, glyph(state));
    p->y += height;
}

/* An arrow down; broken ones have a gap. */
static void way(struct picture *p, const char *state, const char *label)
{
    bool broken = strcmp(state, "broken") == 0;

    fprintf(p->out,
            "<g class=\"%s\"><path class=\"way%s\" d=\"M32 %uv%d\"/><path class=\"tip\" "
            "d=\"M26 %uh12l-6 9z\"/><text class=\"label\" x=\"50\" y=\"%u\">",
            state, broken ? " none" : "", p->y, WAY - 9, p->y + WAY - 9, p->y + 21);
    html_text(p->out, label);
    fputs("</text></g>\n", p->out);
    p->y += WAY;
}

/* ---- the chain ---- */

/* The link of this title, or NULL. */
static const json_t *link_of(const json_t *client, const char *title)
{
    const json_t *links = json_object_get(client, "links");
    size_t i;

    for (i = 0; i < json_array_size(links); i++)
        if (strcmp(page_string(json_array_get(links, i), "link"), title) == 0)
            return json_array_get(links, i);
    return NULL;
}

static bool is_state(const json_t *link, const char *state)
{
    return strcmp(page_string(link, "state"), state) == 0;
}

/* "mail.example.com": the shape is known of the name that was judged. */
static void draw_name(struct picture *p, const json_t *client, const char *name)
{
    bool judged = strcmp(page_string(client, "ptr"), name) == 0;
    bool generic = judged && is_state(link_of(client, "not generic"), "weak");
    bool bare = judged && is_state(link_of(client, "host name"), "weak");

    box(p, generic || bare ? "weak" : "ok", false,
        generic ? "PTR name: looks machine-generated"
        : bare  ? "PTR name: a bare domain, not a host"
                : "PTR name",
        name);
}

/* What the name resolves to. */
static void draw_end(struct picture *p, const json_t *client, const json_t *name, bool passed)
{
    const char *address = page_string(client, "client"), *state = page_string(name, "state");
    const char *type = strchr(address, ':') != NULL ? "AAAA record" : "A record";
    const char *first = json_string_value(json_array_get(json_object_get(name, "addresses"), 0));
    bool elsewhere = strcmp(state, "elsewhere") == 0, nowhere = strcmp(state, "no-address") == 0;
    const char *bad = passed ? "weak" : "broken";

    if (strcmp(state, "confirmed") == 0) {
        way(p, "ok", type);
        box(p, "ok", false, "resolves back to the address", address);
    } else if (elsewhere || nowhere) {
        way(p, bad, type);
        box(p, bad, nowhere, elsewhere ? "resolves to another address" : "does not resolve",
            nowhere         ? "no address"
            : first != NULL ? first
                            : "another address");
    } else {
        way(p, "unknown", type);
        box(p, "unknown", true, "not known", state);
    }
}

static void draw_names(struct picture *p, const json_t *client, const json_t *names)
{
    bool passed = strcmp(page_string(client, "result"), "pass") == 0;
    size_t i, n = json_array_size(names);
    char text[64];

    for (i = 0; i < n && i < NAMES_SHOWN; i++) {
        const json_t *name = json_array_get(names, i);

        way(p, "ok", n > 1 ? "PTR record, one of several" : "PTR record");
        draw_name(p, client, page_string(name, "name"));
        draw_end(p, client, name, passed);
    }
    if (n > NAMES_SHOWN) {
        snprintf(text, sizeof text, "and %zu more PTR records", n - NAMES_SHOWN);
        way(p, "weak", text);
    }
}

static void draw_chain(struct picture *p, const json_t *client)
{
    const json_t *names = json_object_get(json_object_get(client, "chain"), "names");
    const json_t *ptr = link_of(client, "PTR record");

    box(p, "ok", false, "address", page_string(client, "client"));
    if (json_array_size(names) > 0) {
        draw_names(p, client, names);
    } else if (ptr != NULL) {
        way(p, page_string(ptr, "state"), "PTR record");
        box(p, page_string(ptr, "state"), true, is_state(ptr, "unknown") ? "not known" : "no name",
            page_string(ptr, "text"));
    }
}

static void draw_helo(struct picture *p, const json_t *client)
{
    const json_t *link = link_of(client, "HELO");
    const char *helo = page_string(client, "helo");

    if (link == NULL || helo[0] == '\0')
        return;
    p->y += GAP;
    box(p, page_string(link, "state"), false,
        is_state(link, "ok")        ? "HELO name: belongs to the address"
        : is_state(link, "unknown") ? "HELO name: not known"
                                    : "HELO name: does not fit the address",
        helo);
}

void picture_draw(const json_t *client, FILE *out)
{
    struct picture p = {.y = 1};
    char *body = NULL;
    size_t n;

    p.out = open_memstream(&body, &n);
    if (p.out == NULL)
        return;
    draw_chain(&p, client);
    draw_helo(&p, client);
    if (fclose(p.out) == 0) {
        fprintf(out, "<svg role=\"img\" viewBox=\"0 0 %d %u\"><title>Chain of ", WIDTH, p.y + 1);
        html_text(out, page_string(client, "client"));
        fprintf(out, "</title>\n%s</svg>\n", body);
    }
    free(body);
}
