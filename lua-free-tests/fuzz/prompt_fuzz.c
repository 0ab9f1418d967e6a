
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Prompts: whatever is in a question and in passages, a message is a JSON
 * string, and the boundary stands in it as often as without them.  The input
 * is the bound of the context, the template, the question, and passages of a
 * title, an id and a text, each up to a line "%%".  The question stands between
 * two dots, also when it is empty: a template that holds the two halves of the
 * boundary, which nobody can know, would else be whole without a question.
 */


/* sources: rag/ngx_edge_prompt.c lib/ngx_edge_buf.c lib/ngx_edge_utf8.c */
/* sources: lib/ngx_edge_scan.c lib/ngx_edge_scan_decode.c */
/* sources: lib/ngx_edge_decimal.c */
/* max_len: 1024 */
/* dict: prompt */

#include "fuzz.h"
#include "lib/ngx_edge_scan.h"
#include "lib/ngx_edge_utf8.h"
#include "rag/ngx_edge_prompt.h"


#define FUZZ_PASSAGES  4


static ngx_str_t fuzz_dotted(ngx_pool_t *pool, const ngx_str_t *text);
static ngx_uint_t fuzz_render(ngx_pool_t *pool,
    const ngx_edge_prompt_t *prompt, const ngx_edge_prompt_input_t *in,
    size_t max, ngx_uint_t which);


void
fuzz_one(ngx_pool_t *pool, ngx_str_t *in)
{
    size_t                    max;
    u_char                    word[32];
    ngx_str_t                 line, template, question, dotted, dots, empty;
    ngx_uint_t                i, n, which;
    ngx_edge_prompt_t         prompt;
    ngx_edge_passage_t        passages[FUZZ_PASSAGES], bare[FUZZ_PASSAGES];
    ngx_edge_prompt_input_t   input, control;

    if (!ngx_edge_utf8_valid(in->data, in->len)) {
        return;
    }

    line = fuzz_take(pool, in, "\n%%\n");
    max = fuzz_number(&line, 10000);
    template = fuzz_take(pool, in, "\n%%\n");
    question = fuzz_take(pool, in, "\n%%\n");

    if (ngx_edge_prompt_compile(pool, &template, &prompt) != NULL) {
        return;
    }

    memset(passages, 0, sizeof(passages));
    memset(bare, 0, sizeof(bare));

    for (n = 0; n < FUZZ_PASSAGES && in->len; n++) {
        passages[n].title = fuzz_take(pool, in, "\n%%\n");
        passages[n].doc_id = fuzz_take(pool, in, "\n%%\n");
        passages[n].text = fuzz_take(pool, in, "\n%%\n");
    }

    ngx_edge_prompt_boundary((u_char *) "twelve bytes", word, &input.boundary);
    dotted = fuzz_dotted(pool, &question);
    input.question = &dotted;
    input.passages = passages;
    input.npassages = ngx_edge_prompt_fit(passages, n, max);
    fuzz_check(input.npassages <= n && (n == 0 || input.npassages > 0));

    control = input;
    empty = fuzz_str("");
    dots = fuzz_dotted(pool, &empty);
    control.question = &dots;
    control.passages = bare;

    for (i = 0; i < FUZZ_PASSAGES; i++) {
        bare[i].title = bare[i].doc_id = bare[i].text = empty;
    }

    for (which = 0; which < 2; which++) {
        fuzz_check(fuzz_render(pool, &prompt, &input, max, which)
                   == fuzz_render(pool, &prompt, &control, 10000, which));
    }
}


static ngx_str_t
fuzz_dotted(ngx_pool_t *pool, const ngx_str_t *text)
{
    ngx_str_t  s;

    s.len = text->len + 2;
    s.data = ngx_pnalloc(pool, s.len);
    fuzz_check(s.data != NULL);

    s.data[0] = '.';
    ngx_memcpy(s.data + 1, text->data, text->len);
    s.data[s.len - 1] = '.';

    return s;
}


/* How often the boundary is in a message, in any case. */

static ngx_uint_t
fuzz_render(ngx_pool_t *pool, const ngx_edge_prompt_t *prompt,
    const ngx_edge_prompt_input_t *in, size_t max, ngx_uint_t which)
{
    size_t            i;
    ngx_int_t         rc;
    ngx_str_t         json, raw, text;
    ngx_uint_t        n;
    ngx_edge_buf_t    b;
    ngx_edge_scan_t   s;

    ngx_edge_buf_init(&b, pool, 64, 1 << 20);
    rc = ngx_edge_prompt_render(prompt, in, max, which, &b);

    if (rc == NGX_DECLINED) {
        fuzz_check(which == 0);
        return 0;
    }

    fuzz_check(rc == NGX_OK);
    fuzz_check(ngx_edge_buf_done(&b, &json) == NGX_OK);

    ngx_edge_scan_init(&s, json.data, json.len);
    fuzz_check(ngx_edge_scan_string(&s, &raw) == NGX_OK);
    fuzz_check(ngx_edge_scan_end(&s) == NGX_OK);
    fuzz_check(ngx_edge_scan_decode(pool, &raw, &text) == NGX_OK);

    for (n = 0, i = 0; i + in->boundary.len <= text.len; i++) {
        n += (ngx_strncasecmp(text.data + i, in->boundary.data,
                              in->boundary.len)
              == 0);
    }

    return n;
}
