
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Unique member names.  One table for all objects of a text: a name is looked
 * up together with its object's number, and nothing is ever taken out, so the
 * cost of a text grows with its length however it is nested.
 */


#include "auth/ngx_edge_members.h"
#include "lib/ngx_edge_word.h"

#define NGX_EDGE_MEMBERS_ODD  0x9e3779b97f4a7c15ULL

#define ngx_edge_members_product(b, key)                                      \
    ((uint64_t) (uint32_t) ((b) + (key))                                      \
     * (uint32_t) (((b) >> 32) + ((key) >> 32)))

/* Not 0 if one of the eight bytes is a backslash. */
#define ngx_edge_members_escapes(word)                                        \
    (ngx_edge_word_has(word, '\\') & NGX_EDGE_WORD_HIGH)


static uint32_t ngx_edge_members_hash(const ngx_edge_members_t *m,
    uint32_t object, const ngx_str_t *name);
static ngx_inline uint32_t ngx_edge_members_hash_words(
    const ngx_edge_members_t *m, uint32_t object, size_t len, uint64_t first,
    uint64_t second);
static ngx_int_t ngx_edge_members_add(ngx_edge_members_t *m, uint32_t object,
    const ngx_str_t *name, uint32_t hash);
static ngx_int_t ngx_edge_members_grow(ngx_edge_members_t *m);
static ngx_int_t ngx_edge_members_bad(ngx_edge_members_t *m,
    const char *reason);


/* From 16 - n on, n bytes that are kept. */

static const u_char  ngx_edge_members_mask[32] = {
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff
};


void
ngx_edge_members_init(ngx_edge_members_t *m, ngx_pool_t *pool)
{
    uint64_t  seed;

    m->pool = pool;
    m->reason = NULL;
    m->entries = m->first;
    m->slots = m->first_slots;
    m->n = 0;
    m->room = NGX_EDGE_MEMBERS_FIRST;
    m->objects = 0;

    /* where heap and stack are is different in each process and not to be
     * seen from outside: names cannot be made to collide */

#ifdef FUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION
    seed = 1;                           /* the same in every run */
#else
    seed = (uint64_t) (uintptr_t) pool * NGX_EDGE_MEMBERS_ODD
           ^ (uint64_t) (uintptr_t) m << 20;
#endif
    m->seed = (seed ^ seed >> 29) * NGX_EDGE_MEMBERS_ODD;

    ngx_memzero(m->first_slots, sizeof(m->first_slots));
}


static ngx_int_t
ngx_edge_members_bad(ngx_edge_members_t *m, const char *reason)
{
    m->reason = reason;

    return NGX_DECLINED;
}


ngx_int_t
ngx_edge_members_enter(ngx_edge_members_t *m, ngx_edge_scan_t *s,
    ngx_edge_members_object_t *o)
{
    if (ngx_edge_scan_object(s) != NGX_OK) {
        return ngx_edge_members_bad(m, "no JSON object");
    }

    o->object = m->objects++;
    o->n = 0;

    return NGX_OK;
}


ngx_int_t
ngx_edge_members_next(ngx_edge_members_t *m, ngx_edge_scan_t *s,
    ngx_edge_members_object_t *o, ngx_str_t *name)
{
    uint32_t    hash;
    uint64_t    first, second, mask;
    ngx_int_t   rc;
    ngx_str_t   raw;

    rc = ngx_edge_scan_member(s, &raw);

    if (rc == NGX_DONE) {
        return NGX_DONE;
    }

    if (rc != NGX_OK) {
        return ngx_edge_members_bad(m, "no valid JSON");
    }

    if (o->n++ == NGX_EDGE_MEMBERS_MAX) {
        return ngx_edge_members_bad(m, "too many members in an object");
    }

    /* no branch on the length: it is another one for each name */

    if (raw.len <= 16 && s->last - raw.data >= 16) {
        ngx_memcpy(&first, raw.data, 8);
        ngx_memcpy(&second, raw.data + 8, 8);

        ngx_memcpy(&mask, ngx_edge_members_mask + 16 - raw.len, 8);
        first &= mask;

        ngx_memcpy(&mask, ngx_edge_members_mask + 24 - raw.len, 8);
        second &= mask;

        if (!ngx_edge_members_escapes(first)
            && !ngx_edge_members_escapes(second))
        {
            *name = raw;
            hash = ngx_edge_members_hash_words(m, o->object, raw.len, first,
                                               second);

            return ngx_edge_members_add(m, o->object, name, hash);
        }
    }

    if (ngx_edge_scan_decode(m->pool, &raw, name) != NGX_OK) {
        return NGX_ERROR;
    }

    hash = ngx_edge_members_hash(m, o->object, name);

    return ngx_edge_members_add(m, o->object, name, hash);
}


/*
 * Sums products of 32-bit halves, each plus a part of the key, and a new key
 * every eight bytes: without the seed no two names are known to collide.
 * Names of up to 16 bytes, nearly all, are two words filled with zeros.
 */

static uint32_t
ngx_edge_members_hash(const ngx_edge_members_t *m, uint32_t object,
    const ngx_str_t *name)
{
    u_char    *p;
    size_t     len;
    uint64_t   a, b, key, words[2];

    p = name->data;
    len = name->len;

    if (len <= sizeof(words)) {
        ngx_memzero(words, sizeof(words));
        ngx_memcpy(words, p, len);

        return ngx_edge_members_hash_words(m, object, len, words[0], words[1]);
    }

    key = m->seed;
    a = (uint64_t) object << 32 ^ len;

    for ( /* void */ ; len > 8; len -= 8, p += 8) {
        ngx_memcpy(&b, p, 8);
        a += ngx_edge_members_product(b, key);
        key = key * NGX_EDGE_MEMBERS_ODD + 1;
    }

    ngx_memcpy(&b, p + len - 8, 8);
    a += ngx_edge_members_product(b, key);
    a = (a ^ a >> 32) * NGX_EDGE_MEMBERS_ODD;

    return (uint32_t) (a >> 32);
}


static ngx_inline uint32_t
ngx_edge_members_hash_words(const ngx_edge_members_t *m, uint32_t object,
    size_t len, uint64_t first, uint64_t second)
{
    uint64_t  a, key;

    key = m->seed * NGX_EDGE_MEMBERS_ODD + 1;

    a = ((uint64_t) object << 32 ^ len)
        + ngx_edge_members_product(first, m->seed)
        + ngx_edge_members_product(second, key);
    a = (a ^ a >> 32) * NGX_EDGE_MEMBERS_ODD;

    return (uint32_t) (a >> 32);
}


static ngx_int_t
ngx_edge_members_add(ngx_edge_members_t *m, uint32_t object,
    const ngx_str_t *name, uint32_t hash)
{
    uint32_t                   i, mask;
    ngx_edge_members_entry_t  *e;

    if (m->n == m->room && ngx_edge_members_grow(m) != NGX_OK) {
        return NGX_ERROR;
    }

    mask = m->room * 2 - 1;

    for (i = hash & mask; m->slots[i]; i = (i + 1) & mask) {
        e = &m->entries[m->slots[i] - 1];

        if (e->hash == hash
            && e->object == object
            && e->name.len == name->len
            && ngx_memcmp(e->name.data, name->data, name->len) == 0)
        {
            return ngx_edge_members_bad(m, "a member twice in an object");
        }
    }

    e = &m->entries[m->n++];

    e->name = *name;
    e->hash = hash;
    e->object = object;

    m->slots[i] = m->n;

    return NGX_OK;
}


static ngx_int_t
ngx_edge_members_grow(ngx_edge_members_t *m)
{
    uint32_t                   i, n, mask, room, *slots;
    ngx_edge_members_entry_t  *entries;

    room = m->room * 4;

    entries = ngx_palloc(m->pool, room * sizeof(ngx_edge_members_entry_t));
    slots = ngx_pcalloc(m->pool, room * 2 * sizeof(uint32_t));

    if (entries == NULL || slots == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(entries, m->entries, m->n * sizeof(ngx_edge_members_entry_t));
    mask = room * 2 - 1;

    for (n = 0; n < m->n; n++) {
        i = entries[n].hash & mask;

        while (slots[i]) {
            i = (i + 1) & mask;
        }

        slots[i] = n + 1;
    }

    m->entries = entries;
    m->slots = slots;
    m->room = room;

    return NGX_OK;
}


/*
 * Without recursion: a bit per level entered here says whether it is an
 * object, and the object's state lies at the level's place.
 */

ngx_int_t
ngx_edge_members_skip(ngx_edge_members_t *m, ngx_edge_scan_t *s)
{
    uint64_t                   objects;
    ngx_int_t                  rc;
    ngx_str_t                  name;
    ngx_uint_t                 n;
    ngx_edge_scan_type_e       type;
    ngx_edge_members_object_t  levels[NGX_EDGE_SCAN_DEPTH];

    objects = 0;
    n = 0;

    for ( ;; ) {
        type = ngx_edge_scan_type(s);

        if (type == ngx_edge_scan_type_object
            || type == ngx_edge_scan_type_array)
        {
            objects = objects << 1 | (type == ngx_edge_scan_type_object);

            /* the scanner refuses one level more than there are places */

            rc = (objects & 1) ? ngx_edge_members_enter(m, s, &levels[n])
                               : ngx_edge_scan_array(s);
            n++;

        } else {
            rc = ngx_edge_scan_skip(s);
        }

        if (rc != NGX_OK) {
            return ngx_edge_members_bad(m, "no valid JSON");
        }

        /* to the next value of the innermost level that has one */

        for ( ;; ) {

            if (n == 0) {
                return NGX_OK;
            }

            if (objects & 1) {
                rc = ngx_edge_members_next(m, s, &levels[n - 1], &name);

            } else {
                rc = ngx_edge_scan_element(s);

                if (rc == NGX_ERROR) {
                    return ngx_edge_members_bad(m, "no valid JSON");
                }
            }

            if (rc == NGX_OK) {
                break;
            }

            if (rc != NGX_DONE) {
                return rc;
            }

            objects >>= 1;
            n--;
        }
    }
}


ngx_int_t
ngx_edge_members_end(ngx_edge_members_t *m, ngx_edge_scan_t *s)
{
    return (ngx_edge_scan_end(s) == NGX_OK)
           ? NGX_OK : ngx_edge_members_bad(m, "no valid JSON");
}
