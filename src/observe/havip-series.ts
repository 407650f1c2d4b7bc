// SPDX-License-Identifier: BSD-2-Clause
// The metric families that have a series for each HAVIP: the large ones, so each is one growing string.
import type { HavipRow } from '../kernel/reader.js';
import { escapeLabel, head, type MetricType } from './exposition.js';
import type { EventKind, EventRecord } from './messages.js';

/** Ports that a HAVIP's `havip_holder` goes on naming with 0: a pair has one, a cluster a few. */
const FORMER_PORTS = 8;
/** HAVIPs whose former holders are remembered: twice what a host is built for, so that removed ones may linger. */
const REMEMBERED_HAVIPS = 200_000;

const BINDS: ReadonlySet<EventKind> = new Set(['bind', 'move', 'mac-change']);

/** Which ports held which HAVIP, from the events. Keyed by the labels' text, which a scrape has at hand. */
export class HolderMemory {
  private readonly seen = new Map<string, Set<string>>();

  observe({ kind, network, address, from, to }: EventRecord): void {
    if (!address) return;
    const key = labelText(network, address);
    // Only what wrote a binding names a holder in `to`; a refusal's is the claimant.
    if (from) this.add(key, from.port);
    if (to && BINDS.has(kind)) this.add(key, to.port);
  }

  /** Ports that have held it lately, the present one perhaps among them. */
  ports(key: string): Iterable<string> | undefined {
    return this.seen.get(key);
  }

  private add(key: string, port: string): void {
    const ports = this.seen.get(key) ?? new Set();
    ports.delete(port);
    this.seen.set(key, ports.add(port));
    dropOldest(ports, FORMER_PORTS);
    dropOldest(this.seen, REMEMBERED_HAVIPS);
  }
}

/**
 * `{network="blue",address="10.0.1.50"`, open for more labels. Joined and not concatenated: a string that is one
 * piece is copied once a line, while one of many pieces is walked, which doubles the time of a scrape.
 */
export const labelText = (network: string, address: string): string =>
  ['{network="', escapeLabel(network), '",address="', escapeLabel(address), '"'].join('');

/** Sets and maps keep the order in which things were added. */
function dropOldest(kept: Set<string> | Map<string, unknown>, limit: number): void {
  if (kept.size <= limit) return;
  for (const oldest of kept.keys()) {
    kept.delete(oldest);
    return;
  }
}

/** What one HAVIP says in one family. */
interface Family {
  readonly name: string;
  readonly type: MetricType;
  readonly help: string;
  readonly value: (row: HavipRow) => bigint | number;
}

const FAMILIES: readonly Family[] = [
  {
    name: 'havip_packets_total',
    type: 'counter',
    help: 'Packets delivered to the holder, as wire segments.',
    value: (row) => row.packets,
  },
  {
    name: 'havip_bytes_total',
    type: 'counter',
    help: 'Bytes delivered to the holder, Ethernet headers included.',
    value: (row) => row.bytes,
  },
  {
    name: 'havip_saved_packets_total',
    type: 'counter',
    help: 'Packets delivered whose sender still believed in another MAC than the holder has.',
    value: (row) => row.saved,
  },
  {
    name: 'havip_moves_total',
    type: 'counter',
    help: 'Changes of the holding port, or of the MAC behind an uplink.',
    value: (row) => row.moves,
  },
  {
    name: 'havip_held',
    type: 'gauge',
    help: 'Whether somebody holds the HAVIP.',
    value: (row) => (row.holder ? 1 : 0),
  },
];

const EIP_NAME = 'havip_eip_packets_total';
const EIP_HELP =
  'Packets that left as an EIP of the HAVIP, sent by its holder or by another (LVS real servers).';
const HOLDER_HELP = 'Which port holds the HAVIP: 1 for the present one, 0 for those that did lately.';

/** The labels of each HAVIP, kept from scrape to scrape. */
export class LabelCache {
  private readonly known: { network: string; address: string; text: string }[] = [];

  of({ havip, network, address }: HavipRow): string {
    const found = this.known[havip];
    if (found?.network === network && found.address === address) return found.text;
    const text = labelText(network, address);
    this.known[havip] = { network, address, text };
    return text;
  }

  /** undefined: not seen yet. */
  at(havip: number): string | undefined {
    return this.known[havip]?.text;
  }
}

export class HavipSeries {
  private readonly texts = FAMILIES.map(({ name, type, help }) => head(name, type, help));
  private eips = head(EIP_NAME, 'counter', EIP_HELP);
  private holders = head('havip_holder', 'gauge', HOLDER_HELP);

  constructor(
    private readonly memory: HolderMemory,
    private readonly cache: LabelCache,
  ) {}

  /** Many at a time: a family's loop over them is twice as fast as a row's loop over the families. */
  add(rows: readonly HavipRow[]): void {
    const labels = rows.map((row) => this.cache.of(row));
    FAMILIES.forEach((family, at) => {
      this.texts[at] = (this.texts[at] ?? '') + familyLines(family, rows, labels);
    });
    rows.forEach((row, at) => {
      this.addHolders(row.holder?.port, labels[at] as string);
      if (row.eip !== null) this.eips += eipLines(labels[at] as string, row);
    });
  }

  /** A piece a family. */
  pieces(): string[] {
    return [...this.texts, this.eips, this.holders];
  }

  private addHolders(present: string | undefined, labels: string): void {
    if (present !== undefined) this.holders += holderLine(labels, present, '1');
    for (const port of this.memory.ports(labels) ?? []) {
      if (port !== present) this.holders += holderLine(labels, port, '0');
    }
  }
}

function familyLines({ name, value }: Family, rows: readonly HavipRow[], labels: readonly string[]): string {
  let lines = '';
  for (let i = 0; i < rows.length; i++) {
    lines += name + (labels[i] as string) + '} ' + String(value(rows[i] as HavipRow)) + '\n';
  }
  return lines;
}

const eipLines = (labels: string, { fromHolder, fromOthers }: HavipRow): string =>
  `${EIP_NAME}${labels},sender="holder"} ${fromHolder}\n${EIP_NAME}${labels},sender="other"} ${fromOthers}\n`;

const holderLine = (labels: string, port: string, value: '0' | '1'): string =>
  'havip_holder' + labels + ',port="' + escapeLabel(port) + '"} ' + value + '\n';
