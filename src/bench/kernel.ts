// SPDX-License-Identifier: BSD-2-Clause
// Kernel mode: how long re-points take that come all at once, whether a packet on the announcement's heels still goes
// astray, and what a flood of claims costs everybody else.
import { announcement } from '../lab/frames.js';
import { tool, type Lab } from '../lab/lab.js';
import { namespacePath } from '../lab/cleanup.js';
import { latencyFigure, type Figure } from './figures.js';
import {
  addressOf,
  announceAll,
  benchLab,
  cpuMs,
  HAVIP,
  residentMb,
  startDaemon,
  type BenchDaemon,
} from './host.js';
import { move, MOVING, repointSite } from './repoint-site.js';

export interface KernelOptions {
  readonly moves: number;
  readonly claims: number;
}

/** Each moves every so often only, so that none meets its budget. */
const RACED = 1000;

export async function benchKernel({ moves, claims }: KernelOptions): Promise<Figure[]> {
  return [await benchBursts(moves), await benchRace(moves), ...(await benchFlood(claims))];
}

/** One guest takes over all that another held, at once. */
async function benchBursts(moves: number): Promise<Figure> {
  const site = await repointSite('kernel');
  try {
    const samples: number[] = [];
    for (let moved = 0; moved < moves; moved += MOVING)
      samples.push(...(await move(site, 'idle', 0)).samples);
    const what = `re-point, kernel mode, ${samples.length} in bursts of ${MOVING}`;
    return latencyFigure(what, samples, 'p50 <= 0.5, p99 <= 3');
  } finally {
    await site.lab.close();
  }
}

/** Packets sent when the announcement has just passed the hook. */
async function benchRace(moves: number): Promise<Figure> {
  const lab = await benchLab();
  try {
    const addresses = Array.from({ length: RACED }, (_, i) => addressOf(i));
    await startDaemon(lab, addresses);
    await announceAll(lab, 'vm-a', addresses);
    const guests = ['vm-a', 'vm-b', 'client'].flatMap((name) => [
      namespacePath(`${lab.prefix}-${name}`),
      lab.mac(name),
    ]);
    const said = await lab.must('hv', [tool('race'), ...guests, String(moves), String(RACED)], {
      timeoutMs: 300_000,
    });
    const { astray, lost, unheard } = JSON.parse(said) as Record<string, number>;
    const value = `${astray} to the old holder, ${lost} lost, ${unheard} announcements unheard`;
    return {
      what: `packets on the heels of ${moves} moves`,
      value,
      bar: '<= 0',
      samples: [(astray ?? NaN) + (lost ?? NaN)],
    };
  } finally {
    await lab.close();
  }
}

/** One guest floods refused claims of a HAVIP while another claims it rightfully. */
async function benchFlood(claims: number): Promise<Figure[]> {
  const lab = await benchLab();
  try {
    const address = addressOf(0);
    const members = [lab.port('vm-a'), lab.port('vm-b')];
    const daemon = await startDaemon(lab, [address], 'kernel', members);
    await announceAll(lab, 'vm-a', [address]);
    const flood = lab.exec('client', [tool('frame-tool'), 'send', 'eth0'], {
      input: `${announcement(address, lab.mac('client'), 'request')} ${claims}\n`,
      timeoutMs: 60_000,
    });
    const before = await cpuMs(lab, daemon.child);
    const samples: number[] = [];
    for (let round = 0; round < 4; round++) {
      await new Promise((resolve) => setTimeout(resolve, 100));
      const guest = round % 2 ? 'vm-a' : 'vm-b';
      const sent = JSON.parse(await announceAll(lab, guest, [address])) as { firstNs: string };
      samples.push((await boundNs(lab, daemon, lab.port(guest))) / 1000 - Number(sent.firstNs) / 1000);
    }
    const { stdout } = await flood;
    const { sent, firstNs, lastNs } = JSON.parse(stdout) as Record<string, string>;
    const seconds = (Number(lastNs) - Number(firstNs)) / 1e9;
    const cpu = ((await cpuMs(lab, daemon.child)) - before) / 1000 / seconds;
    const memory = await residentMb(lab, daemon.child);
    const rate = Math.round(Number(sent) / seconds).toLocaleString('en');
    return [
      latencyFigure(
        `a rightful claim under ${rate} refused ones a second, sent until bound`,
        samples,
        '<= 1000',
      ),
      {
        what: 'the daemon meanwhile, cores',
        value: cpu.toFixed(2),
        bar: '< 1',
        samples: [cpu],
      },
      {
        what: 'the daemon meanwhile, resident memory, MB',
        value: memory.toFixed(0),
        bar: '< 200',
        samples: [memory],
      },
    ];
  } finally {
    await lab.close();
  }
}

/** When the newest move to that port was visible. Unit: ns, monotonic. */
async function boundNs(lab: Lab, { args }: BenchDaemon, port: string): Promise<number> {
  for (let attempt = 0; attempt < 50; attempt++) {
    const text = await lab.must('hv', [process.execPath, HAVIP, 'events', '--json', ...args]);
    const moves = text.split('\n').filter((line) => line.includes('"kind":"move"'));
    const last = JSON.parse(moves.at(-1) ?? '{}') as {
      to?: { port: string };
      timeNs?: number;
      repointNs?: number;
    };
    if (last.to?.port === port) return (last.timeNs ?? 0) + (last.repointNs ?? 0);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`no move to ${port} was told`);
}
