// SPDX-License-Identifier: BSD-2-Clause
// What `?` shows. At most 40 cells wide: it must fit where it is needed.
import type { Line } from './text.js';

const TEXT = `
q, Ctrl-C     quit
Ctrl-Z        stop; fg comes back
up, down      choose a HAVIP (k, j)
PgUp, PgDn    a page; Home, End
Enter         its details and last moves
Esc           back; all HAVIPs
space         freeze, and go on
s, left/right sort by state, rate,
              address, moves, age
r             the other way round
/             filter: words found in
              address, network/subnet,
              state, holder, MAC;
              network:N subnet:N address:A
              ask the daemon for just those

AGE           since it has this holder
PKT/S         delivered to the holder
SAVED         sent to another's MAC, and
              delivered all the same

guests        time of the guests' own
network       time of havip
traffic       nobody sent anything`;

export const HELP: readonly Line[] = TEXT.slice(1)
  .split('\n')
  .map((text) => [{ text }]);
