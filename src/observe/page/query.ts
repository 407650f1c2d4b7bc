// SPDX-License-Identifier: BSD-2-Clause
// The query of a stream's address -> what that page wants to see.
import { HavipError } from '../../errors.js';
import type { PageQuery, Show, SortKey } from './types.js';

const SORTS: readonly SortKey[] = ['address', 'state', 'holder', 'age', 'moves', 'rate', 'packets'];
const SHOWS: readonly Show[] = ['all', 'alarm', 'held', 'unheld'];
const DIRECTIONS = ['asc', 'desc'] as const;
const MAX_TEXT = 256;

/** Missing ones have defaults. Errors: USAGE, with what is allowed. */
export function parsePageQuery(search: URLSearchParams): PageQuery {
  return {
    sort: oneOf(search, 'sort', SORTS),
    descending: oneOf(search, 'direction', DIRECTIONS) === 'desc',
    show: oneOf(search, 'show', SHOWS),
    filter: shortText(search, 'filter'),
    chosen: shortText(search, 'chosen'),
    page: pageNumber(search.get('page') ?? '0'),
  };
}

function oneOf<const T extends string>(
  search: URLSearchParams,
  name: string,
  allowed: readonly [T, ...T[]] | readonly T[],
): T {
  const value = search.get(name) ?? allowed[0];
  const found = allowed.find((one) => one === value);
  if (found !== undefined) return found;
  throw new HavipError('USAGE', `${name}: found ${JSON.stringify(value)}; allowed: ${allowed.join(', ')}`);
}

function shortText(search: URLSearchParams, name: string): string {
  const value = search.get(name) ?? '';
  if (value.length <= MAX_TEXT) return value;
  throw new HavipError('USAGE', `${name}: ${value.length} characters; allowed: at most ${MAX_TEXT}`);
}

function pageNumber(value: string): number {
  if (/^\d{1,6}$/.test(value)) return Number(value);
  throw new HavipError('USAGE', `page: found ${JSON.stringify(value)}; allowed: 0 to 999999`);
}
