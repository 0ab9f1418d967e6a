// Copyright (C) nginx AI edge contributors
// SPDX-License-Identifier: BSD-2-Clause
//
// The verdict of npm's jose on tokens, to compare the edge's with.
//
//   node jose.mjs JOSE KEYS NOW ISSUER AUDIENCE < "KEY HEX\n" > "0|1 reason\n"
//
// JOSE is the folder of the package, KEYS has a file KEY.jwks for every key;
// one whose name begins with "rules-" goes with the issuer and the audience.

import { readFileSync } from 'node:fs';
import { webcrypto } from 'node:crypto';

globalThis.crypto ??= webcrypto;        // Node 18 has it under this name only

const [folder, keys, now, issuer, audience] = process.argv.slice(2);
const jose = await import(folder + '/dist/webapi/index.js');
const known = new Map();

// A secret is given as such: jose takes none in a set, and looks at no kid.
function keyOf(name) {
  if (!known.has(name)) {
    const set = JSON.parse(readFileSync(`${keys}/${name}.jwks`));
    const first = set.keys[0];
    known.set(name, first.kty === 'oct' ? Buffer.from(first.k, 'base64url')
                                        : jose.createLocalJWKSet(set));
  }
  return known.get(name);
}

async function verify(name, token) {
  const options = { currentDate: new Date(Number(now) * 1000) };
  if (name.startsWith('rules-')) {
    Object.assign(options, { issuer, audience });
  }
  try {
    await jose.jwtVerify(token, keyOf(name), options);
  } catch (error) {
    if (error.code !== 'ERR_JWKS_MULTIPLE_MATCHING_KEYS') {
      throw error;
    }
    // as its documentation shows: each key that fits is tried
    for await (const key of error) {
      try {
        await jose.jwtVerify(token, key, options);
        return;
      } catch (again) {
        if (again.code !== 'ERR_JWS_SIGNATURE_VERIFICATION_FAILED') {
          throw again;
        }
      }
    }
    throw error;
  }
}

async function judge(line) {
  const [name, hex] = line.split(' ');
  try {
    await verify(name, Buffer.from(hex, 'hex').toString());
    return '1 ';
  } catch (error) {
    return `0 ${error.code ?? error.name}: ${error.message}`
      .replace(/[\r\n]+/g, ' ');
  }
}

const lines = readFileSync(0, 'latin1').split('\n').filter(Boolean);
const answers = [];
for (const line of lines) {
  answers.push(await judge(line));
}
process.stdout.write(answers.join('\n') + '\n');
