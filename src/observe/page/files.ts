// SPDX-License-Identifier: BSD-2-Clause
// The files of the status page, by the path that they are served under. Read once: what is not in the list cannot be
// asked for, whatever the path looks like.
import { readFileSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface PageFile {
  readonly type: string;
  readonly body: Buffer;
}

const WEB_FOLDER = fileURLToPath(new URL('../../web/', import.meta.url));
const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** Our own from the build, and uPlot from its package. */
export function readPageFiles(folder = WEB_FOLDER): ReadonlyMap<string, PageFile> {
  const uplot = dirname(createRequire(import.meta.url).resolve('uplot'));
  const files = new Map<string, PageFile>();
  const add = (path: string, file: string): void => {
    const type = TYPES[extname(file)];
    if (type !== undefined) files.set(path, { type, body: readFileSync(file) });
  };
  for (const name of readdirSync(folder)) add(name === 'index.html' ? '/' : `/${name}`, join(folder, name));
  add('/uplot.js', join(uplot, 'uPlot.esm.js'));
  add('/uplot.css', join(uplot, 'uPlot.min.css'));
  return files;
}
