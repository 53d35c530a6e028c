import { stripVTControlCharacters } from 'node:util';
import { expect, test } from 'vitest';
import { liveView } from '../../../src/cli/live-view.ts';
import type { Event } from '../../../src/core/event.ts';
import { usual } from '../report/plans.ts';

const at = '2026-05-01T12:00:00.000Z';
const events: readonly Event[] = [
  { ev: 'started', at, op: 'web-1/set-memory' },
  { ev: 'done', at, op: 'web-1/set-memory', ms: 1800 },
];
const now = (): number => Date.parse(at) + 1000;

const shown = (redraw: boolean): string => {
  let text = '';
  const write = (more: string): void => {
    text += more;
  };
  const output = {
    write,
    draw: write,
    terminal: redraw,
    columns: () => 80,
    rows: () => 24,
  };
  const view = liveView(usual, output, { color: false, width: 80 }, now, redraw);
  for (const event of events) view.event(event);
  view.say('Stopping.');
  view.end();
  return text;
};

test('without a terminal there are lines, and nothing moves', () => {
  expect(shown(false)).toBe('web-1  set-memory     done in 1.8 s\nStopping.\n');
});

test('on a terminal what runs is drawn over, and what has ended stays', () => {
  const text = shown(true);
  expect(text).toContain('\u001B[');
  const lines = stripVTControlCharacters(text).split('\n');
  expect(lines.some((l) => /^. web-1 {2}set-memory {5}1 s$/.test(l))).toBe(true);
  expect(lines).toContain('web-1  set-memory     done in 1.8 s');
  expect(lines).toContain('Stopping.');
});
