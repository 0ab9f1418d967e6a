
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Stub of nginx's core for unit tests: the red-black tree's interface on a
 * plain binary tree.  Colours stay black and nothing is balanced, so a test
 * must not insert millions of nodes in order.
 */


#include "ngx_stub.h"


static void ngx_stub_tree_replace(ngx_rbtree_t *tree, ngx_rbtree_node_t *old,
    ngx_rbtree_node_t *node);


void
ngx_rbtree_insert(ngx_rbtree_t *tree, ngx_rbtree_node_t *node)
{
    if (tree->root == tree->sentinel) {
        node->parent = NULL;
        node->left = tree->sentinel;
        node->right = tree->sentinel;
        ngx_rbt_black(node);
        tree->root = node;
        return;
    }

    tree->insert(tree->root, node, tree->sentinel);
}


void
ngx_rbtree_insert_value(ngx_rbtree_node_t *temp, ngx_rbtree_node_t *node,
    ngx_rbtree_node_t *sentinel)
{
    ngx_rbtree_node_t  **p;

    for ( ;; ) {
        p = node->key < temp->key ? &temp->left : &temp->right;

        if (*p == sentinel) {
            break;
        }

        temp = *p;
    }

    *p = node;
    node->parent = temp;
    node->left = sentinel;
    node->right = sentinel;
    ngx_rbt_red(node);
}


/* Keys that wrap around, as milliseconds do. */

void
ngx_rbtree_insert_timer_value(ngx_rbtree_node_t *temp,
    ngx_rbtree_node_t *node, ngx_rbtree_node_t *sentinel)
{
    ngx_rbtree_node_t  **p;

    for ( ;; ) {
        p = (ngx_rbtree_key_int_t) (node->key - temp->key) < 0
            ? &temp->left : &temp->right;

        if (*p == sentinel) {
            break;
        }

        temp = *p;
    }

    *p = node;
    node->parent = temp;
    node->left = sentinel;
    node->right = sentinel;
    ngx_rbt_red(node);
}


/* Puts node (the sentinel too) where old hangs. */

static void
ngx_stub_tree_replace(ngx_rbtree_t *tree, ngx_rbtree_node_t *old,
    ngx_rbtree_node_t *node)
{
    if (old == tree->root) {
        tree->root = node;

    } else if (old == old->parent->left) {
        old->parent->left = node;

    } else {
        old->parent->right = node;
    }

    if (node != tree->sentinel) {
        node->parent = old->parent;
    }
}


void
ngx_rbtree_delete(ngx_rbtree_t *tree, ngx_rbtree_node_t *node)
{
    ngx_rbtree_node_t  *next;

    if (node->left == tree->sentinel) {
        ngx_stub_tree_replace(tree, node, node->right);

    } else if (node->right == tree->sentinel) {
        ngx_stub_tree_replace(tree, node, node->left);

    } else {
        next = ngx_rbtree_min(node->right, tree->sentinel);

        if (next != node->right) {
            ngx_stub_tree_replace(tree, next, next->right);
            next->right = node->right;
            next->right->parent = next;
        }

        ngx_stub_tree_replace(tree, node, next);
        next->left = node->left;
        next->left->parent = next;
    }

    node->left = NULL;
    node->right = NULL;
    node->parent = NULL;
    node->key = 0;
}


ngx_rbtree_node_t *
ngx_rbtree_next(ngx_rbtree_t *tree, ngx_rbtree_node_t *node)
{
    if (node->right != tree->sentinel) {
        return ngx_rbtree_min(node->right, tree->sentinel);
    }

    while (node != tree->root) {

        if (node == node->parent->left) {
            return node->parent;
        }

        node = node->parent;
    }

    return NULL;
}


void
ngx_str_rbtree_insert_value(ngx_rbtree_node_t *temp, ngx_rbtree_node_t *node,
    ngx_rbtree_node_t *sentinel)
{
    ngx_int_t            rc;
    ngx_str_node_t      *n, *t;
    ngx_rbtree_node_t  **p;

    n = (ngx_str_node_t *) node;

    for ( ;; ) {
        t = (ngx_str_node_t *) temp;

        if (node->key != temp->key) {
            rc = node->key < temp->key ? -1 : 1;

        } else if (n->str.len != t->str.len) {
            rc = n->str.len < t->str.len ? -1 : 1;

        } else {
            rc = memcmp(n->str.data, t->str.data, n->str.len);
        }

        p = rc < 0 ? &temp->left : &temp->right;

        if (*p == sentinel) {
            break;
        }

        temp = *p;
    }

    *p = node;
    node->parent = temp;
    node->left = sentinel;
    node->right = sentinel;
    ngx_rbt_red(node);
}


ngx_str_node_t *
ngx_str_rbtree_lookup(ngx_rbtree_t *tree, ngx_str_t *name, uint32_t hash)
{
    ngx_int_t           rc;
    ngx_str_node_t     *n;
    ngx_rbtree_node_t  *node;

    node = tree->root;

    while (node != tree->sentinel) {
        n = (ngx_str_node_t *) node;

        if (hash != node->key) {
            rc = hash < node->key ? -1 : 1;

        } else if (name->len != n->str.len) {
            rc = name->len < n->str.len ? -1 : 1;

        } else {
            rc = memcmp(name->data, n->str.data, name->len);
        }

        if (rc == 0) {
            return n;
        }

        node = rc < 0 ? node->left : node->right;
    }

    return NULL;
}
