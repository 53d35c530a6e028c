/** `--events FILE`: one JSON object per line; a disk that fills up is told, not thrown. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { openEventsFile } from '../../../src/apply/events-file.ts';

const dir = mkdtempSync(join(tmpdir(), 'reeve-events-'));
afterAll(() => rmSync(dir, { recursive: true }));

test('every event is a line, there as soon as it happened', () => {
  const path = join(dir, 'events.ndjson');
  writeFileSync(path, 'an older run\n');
  const file = openEventsFile(path);
  const event = { ev: 'started', at: '2026-01-01T00:00:00.000Z', op: 'a/start' } as const;
  file.write(event);
  expect(readFileSync(path, 'utf8')).toBe(`${JSON.stringify(event)}\n`);
  file.write({ ev: 'failed', at: event.at, op: 'a/start', ms: 1, code: 'command-failed', why: 'two\nlines' });
  expect(file.close()).toBeNull();
  expect(
    readFileSync(path, 'utf8')
      .trimEnd()
      .split('\n')
      .map((l) => (JSON.parse(l) as { ev: string }).ev),
  ).toEqual(['started', 'failed']);
});

test('a file that cannot be made throws before anything is done', () => {
  expect(() => openEventsFile(join(dir, 'none', 'events'))).toThrow('ENOENT');
});

test('a full disk is told at the end', () => {
  const file = openEventsFile('/dev/full');
  file.write({ ev: 'held', at: '', server: 'dom1' });
  file.write({ ev: 'held', at: '', server: 'dom2' });
  expect(file.close()).toMatch(/^\/dev\/full is not whole: .*ENOSPC/);
});
