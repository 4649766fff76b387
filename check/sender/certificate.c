/* The names in a server's certificate: see certificate.h.
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "config.h"

#include "check/sender/certificate.h"

#include "dns/resolver.h"
#include "value/sbuf.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

bool socket_ready(int fd, bool write, int64_t deadline)
{
    struct pollfd p = {.fd = fd, .events = write ? POLLOUT : POLLIN};
    int64_t left;
    int n;

    while ((left = deadline - resolver_now()) > 0) {
        n = poll(&p, 1, (int)left);
        if (n > 0)
            return true;
        if (n < 0 && errno != EINTR)
            return false;
    }
    return false;
}

bool certificate_has(const struct certificate *c, const char *host)
{
    const char *parent = strchr(host, '.');
    unsigned i;

    for (i = 0; i < c->n; i++)
        if (strcasecmp(c->name[i], host) == 0 ||
            (parent != NULL && strncmp(c->name[i], "*.", 2) == 0 &&
             strcasecmp(c->name[i] + 1, parent) == 0))
            return true;
    return false;
}

static bool fail(char error[CERT_ERROR], const char *text)
{
    snprintf(error, CERT_ERROR, "%s", text);
    return false;
}

#ifdef HAVE_OPENSSL

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

static void add(struct certificate *c, const ASN1_STRING *text)
{
    struct sbuf sb;

    if (c->n == CERT_NAMES) {
        c->left_out++;
        return;
    }
    sbuf_init(&sb, c->name[c->n], CERT_NAME);
    sbuf_visible(&sb, ASN1_STRING_get0_data(text), (size_t)ASN1_STRING_length(text));
    if (sb.overflow)
        c->left_out++;
    else
        c->n++;
}

static void read_names(struct certificate *c, X509 *x)
{
    GENERAL_NAMES *names = X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);
    const X509_NAME *subject = X509_get_subject_name(x);
    int i;

    for (i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);

        if (name->type == GEN_DNS)
            add(c, name->d.dNSName);
    }
    GENERAL_NAMES_free(names);
    i = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
    if (c->n + c->left_out == 0 && i >= 0)
        add(c, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, i)));
}

/* One step of the handshake after the other, each when the socket is ready. */
static bool shake_hands(SSL *ssl, int fd, int64_t deadline, char error[CERT_ERROR])
{
    for (;;) {
        int rc, why;

        ERR_clear_error();
        rc = SSL_connect(ssl);
        if (rc == 1)
            return true;
        why = SSL_get_error(ssl, rc);
        if (why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE) {
            const char *text = ERR_reason_error_string(ERR_peek_error());

            snprintf(error, CERT_ERROR, "TLS failed: %s",
                     text != NULL ? text : "connection closed");
            return false;
        }
        if (!socket_ready(fd, why == SSL_ERROR_WANT_WRITE, deadline))
            return fail(error, "TLS failed: no answer in time");
    }
}

static bool take(struct certificate *c, SSL *ssl, int fd, const char *host, int64_t deadline,
                 char error[CERT_ERROR])
{
    char name[CERT_NAME]; /* OpenSSL's macro wants one that may change */
    X509 *x;

    snprintf(name, sizeof name, "%s", host);
    if (SSL_set_fd(ssl, fd) != 1 || (host[0] != '\0' && SSL_set_tlsext_host_name(ssl, name) != 1))
        return fail(error, "TLS cannot start here");
    if (!shake_hands(ssl, fd, deadline, error))
        return false;
    (void)SSL_write(ssl, "QUIT\r\n", 6); /* and never mind the answer */
    x = SSL_get1_peer_certificate(ssl);
    if (x == NULL)
        return fail(error, "TLS without a certificate");
    read_names(c, x);
    X509_free(x);
    return true;
}

bool certificate_take(struct certificate *c, int fd, const char *host, int64_t deadline,
                      char error[CERT_ERROR])
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    SSL *ssl;
    bool ok;

    memset(c, 0, sizeof *c);
    if (ctx == NULL)
        return fail(error, "TLS cannot start here");
    SSL_CTX_set_verify(ctx, SSL_VERIFY_NONE, NULL);
    SSL_CTX_set_security_level(ctx, 0); /* it is to be seen, however weak it is */
    SSL_CTX_set_min_proto_version(ctx, TLS1_VERSION);
    ssl = SSL_new(ctx);
    ok = ssl != NULL ? take(c, ssl, fd, host, deadline, error)
                     : fail(error, "TLS cannot start here");
    SSL_free(ssl);
    SSL_CTX_free(ctx);
    ERR_clear_error();
    return ok;
}

#else

bool certificate_take(struct certificate *c, int fd, const char *host, int64_t deadline,
                      char error[CERT_ERROR])
{
    (void)fd;
    (void)host;
    (void)deadline;
    memset(c, 0, sizeof *c);
    return fail(error, "certificate not read: iprev-check was built without OpenSSL");
}

#endif
