/** Readings are shared by those who ask before one starts, and by nobody who asks later. */
import { expect, test } from 'vitest';
import { shareReadings, type Readings } from '../../../src/apply/readings.ts';
import type { Clock } from '../../../src/apply/world.ts';
import { fakeControl, fakeToolstack, virtualClock, type FakeControl } from './fake-control.ts';

const open = (): Readings & { readonly control: FakeControl; readonly clock: Clock } => {
  const clock = virtualClock();
  const control = fakeControl(clock, { servers: { dom1: {}, dom2: {} } });
  return { control, clock, ...shareReadings(control, fakeToolstack, clock) };
};

test('one reading serves all who ask at the same moment, and covers what each wants', async () => {
  const { control, read } = open();
  const [a, b] = await Promise.all([read('dom1', 'domains', ['/b']), read('dom1', 'all', ['/a', '/b'])]);
  expect(control.reads).toEqual(['dom1 all /a /b']);
  expect(a).toBe(b);
});

test('servers are read apart, at the same time', async () => {
  const { control, clock, read } = open();
  const began = clock.now();
  await Promise.all([read('dom1', 'domains', []), read('dom2', 'domains', [])]);
  expect(control.reads).toEqual(['dom1 domains', 'dom2 domains']);
  // A reading takes 100 ms here.
  expect(clock.now() - began).toBeLessThan(200);
});

test('who asks while a reading runs gets the next one, which begins when that has ended', async () => {
  const { control, clock, read } = open();
  const began = clock.now();
  const first = read('dom1', 'domains', []);
  await clock.sleep(50);
  const later = [read('dom1', 'domains', ['/x']), read('dom1', 'domains', ['/y'])];
  await clock.sleep(40);
  expect(control.reads).toEqual(['dom1 domains']);
  const answers = [await first, ...(await Promise.all(later))];
  expect(control.reads).toEqual(['dom1 domains', 'dom1 domains /x /y']);
  expect(answers[0]).not.toBe(answers[1]);
  expect(answers[1]).toBe(answers[2]);
  expect(clock.now() - began).toBeGreaterThanOrEqual(200);
});

test('the last reading will do for a while, where it covers what is asked', async () => {
  const { control, clock, read, recent } = open();
  const first = await read('dom1', 'all', ['/a']);
  expect(await recent('dom1', 'domains', ['/a'])).toBe(first);
  expect(await recent('dom2', 'domains', [])).not.toBe(first);
  expect(await recent('dom1', 'domains', ['/b'])).not.toBe(first);
  await recent('dom1', 'all', []);
  await clock.sleep(2001);
  await recent('dom1', 'domains', []);
  expect(control.reads).toEqual(['dom1 all /a', 'dom2 domains', 'dom1 domains /b', 'dom1 all', 'dom1 domains']);
});

test('nothing that was read before a change, or while one was under way, will do', async () => {
  const { control, clock, read, recent, changing } = open();
  await read('dom1', 'all', []);
  await changing('dom1', () => Promise.resolve());
  await recent('dom1', 'all', []);
  const busy = changing('dom1', () => clock.sleep(300));
  await read('dom1', 'all', []);
  await recent('dom1', 'all', []);
  await busy;
  await recent('dom1', 'all', []);
  expect(control.reads).toHaveLength(5);
  const early = read('dom1', 'all', []);
  await clock.sleep(50);
  await changing('dom1', () => Promise.resolve());
  await early;
  await recent('dom1', 'all', []);
  expect(control.reads).toHaveLength(7);
});

test('what another server did may have reached this one, by a store that both have', async () => {
  const { control, read, recent, changing } = open();
  await read('dom1', 'all', []);
  await changing('dom2', () => Promise.resolve());
  await recent('dom1', 'all', []);
  await recent('dom1', 'all', []);
  expect(control.reads).toHaveLength(2);
});

test('what is to be changed alone is changed by one after the other, on whatever server, and by others meanwhile', async () => {
  const { clock, changing } = open();
  const said: string[] = [];
  const act = (name: string) => async (): Promise<void> => {
    said.push(`${name} begins`);
    await clock.sleep(100);
    said.push(`${name} ends`);
    if (name === 'a') throw new Error('a');
  };
  await Promise.allSettled([
    changing('dom1', act('a'), '/dev/vg0'),
    changing('dom2', act('b'), '/dev/vg0'),
    changing('dom2', act('c'), '/dev/vg1'),
  ]);
  const of = (...names: readonly string[]): readonly string[] => said.filter((s) => names.includes(s[0] ?? ''));
  expect(of('a', 'b')).toEqual(['a begins', 'a ends', 'b begins', 'b ends']);
  expect(of('a', 'c')).toEqual(['a begins', 'c begins', 'a ends', 'c ends']);
});
