// SPDX-License-Identifier: BSD-2-Clause
// Start-up time and memory with one HAVIP and with a hundred thousand.
import type { Figure } from './figures.js';
import { addressOf, benchLab, residentMb, startDaemon } from './host.js';

export async function benchScale(): Promise<Figure[]> {
  const [one, many] = [await start(1), await start(100_000)];
  return [
    figure('1 HAVIP: resident memory, MB', one.mb, '< 120'),
    figure('100,000 HAVIPs: start until followed, s', many.seconds, '< 10'),
    figure('100,000 HAVIPs: second start (adopting), s', many.secondStart, ''),
    figure('100,000 HAVIPs: resident memory, MB', many.mb, '< 300'),
  ];
}

const figure = (what: string, value: number, bar: string): Figure => ({
  what,
  value: value.toFixed(1),
  bar,
  samples: [value],
});

async function start(count: number): Promise<{ seconds: number; secondStart: number; mb: number }> {
  const lab = await benchLab();
  try {
    const addresses = Array.from({ length: count }, (_, i) => addressOf(i));
    const first = await startDaemon(lab, addresses, null);
    // What the start threw away is given back once V8 has idled for eight seconds.
    await new Promise((resolve) => setTimeout(resolve, 10_000));
    const mb = await residentMb(lab, first.child);
    await first.child.stop('SIGKILL');
    const second = await startDaemon(lab, addresses, null);
    return { seconds: first.startMs / 1000, secondStart: second.startMs / 1000, mb };
  } finally {
    await lab.close();
  }
}
