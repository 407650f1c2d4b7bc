// SPDX-License-Identifier: BSD-2-Clause
// How far a run is, on standard error: a bar that a terminal shows in one line, elsewhere a line as each suite begins
// and ends.

export interface Progress {
  begin(name: string): void;
  step(done: number, of: number): void;
  end(): void;
}

type Stream = Pick<NodeJS.WriteStream, 'write' | 'isTTY' | 'columns'>;

const CELLS = 30;
const REDRAW_MS = 500;

/** @param total How many suites there will be. */
export function progressOn(stream: Stream, total: number): Progress {
  // undefined in a pipe, whatever the type says
  return stream.isTTY ? bar(stream, total) : lines(stream, total);
}

function lines(stream: Stream, total: number): Progress {
  let at = 0;
  let name = '';
  let began = 0;
  return {
    begin: (next) => {
      [name, began] = [next, performance.now()];
      stream.write(`${++at}/${total} ${name} ...\n`);
    },
    step: () => undefined,
    end: () => void stream.write(`${at}/${total} ${name} took ${secondsSince(began)} s\n`),
  };
}

/** Redrawn in between too, so that the seconds go on where a step is long. */
function bar(stream: Stream, total: number): Progress {
  let at = 0;
  let name = '';
  let share = 0;
  let began = 0;
  let timer: NodeJS.Timeout | undefined;
  const draw = (): void => {
    const full = Math.round(share * CELLS);
    const text = `${at}/${total} [${'#'.repeat(full)}${'.'.repeat(CELLS - full)}] ${name}, ${secondsSince(began)} s`;
    stream.write(`\r\x1b[K${text.slice(0, stream.columns - 1)}`);
  };
  return {
    begin: (next) => {
      [name, share, began] = [next, 0, performance.now()];
      at += 1;
      draw();
      timer = setInterval(draw, REDRAW_MS).unref();
    },
    step: (done, of) => {
      share = Math.min(1, done / of);
      draw();
    },
    end: () => {
      clearInterval(timer);
      stream.write('\r\x1b[K');
    },
  };
}

const secondsSince = (began: number): string => ((performance.now() - began) / 1000).toFixed(0);
