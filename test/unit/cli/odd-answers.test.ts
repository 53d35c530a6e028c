/** One dom0 whose answer is odd costs the run that server only, and is told without a stack trace. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startDemoFarm, type DemoFarm } from '../../../src/cli/demo-farm.ts';
import { run } from '../../../src/cli/program.ts';
import { fakeShell } from './shell.ts';

const vm = (name: string, server: string): string =>
  `  ${name}: { profile: small, server: ${server}, disks: { xvda: { path: /dev/vg0/${name} } } }\n`;

let farm: DemoFarm;
const reeve = async (argv: readonly string[]) => {
  const heard = fakeShell({ home: farm.folder });
  const code = await run(argv, heard.shell);
  return { code, out: heard.out(), err: heard.err() };
};
const path = (): string => join(farm.folder, 'snapshot.json');

interface Saved {
  readonly servers: Record<string, { nonce: string; answer: string }>;
}

/** What `plan` says where dom01 prints this in a part of its answer. */
const planWith = async (part: string, text: string) => {
  const saved = JSON.parse(readFileSync(path(), 'utf8')) as Saved;
  const { nonce = '', answer = '' } = saved.servers['dom01'] ?? {};
  const whole = Buffer.from(answer, 'base64').toString('latin1');
  const begin = `\n@${nonce} ${part}\n`;
  const [before, rest] = [whole.slice(0, whole.indexOf(begin)), whole.slice(whole.indexOf(begin) + begin.length)];
  const odd = `${before}${begin}${text}\n@${nonce} /${part} 0\n${rest.slice(rest.indexOf('\n', rest.indexOf(`\n@${nonce} /${part} `) + 1) + 1)}`;
  const servers = {
    ...saved.servers,
    dom01: { ...saved.servers['dom01'], answer: Buffer.from(odd, 'latin1').toString('base64') },
  };
  const other = join(farm.folder, 'odd.json');
  writeFileSync(other, JSON.stringify({ ...saved, servers }));
  return reeve(['plan', farm.path, '--from-snapshot', other]);
};

beforeAll(async () => {
  farm = await startDemoFarm(Infinity);
  await farm.describe(vm('web-1', 'dom01') + vm('db-1', 'dom03'));
  const { code, err } = await reeve(['snapshot', farm.path, '--out', path()]);
  if (code !== 0) throw new Error(err);
});
afterAll(() => farm.close());

test.each([
  [
    'a bridge that is a number',
    'link',
    '[{"ifname":"vif1.0","master":5}]',
    '`master` of a link is 5, and should be a text',
  ],
  ['a link that is null', 'link', '[{"ifname":"lo"},null]', 'a link is null, and should be an object'],
  ['links that are no list', 'link', '{"ifname":"lo"}', 'its JSON is an object, and should be a list'],
  ['links that nest deep', 'link', '['.repeat(200_000) + ']'.repeat(200_000), 'its JSON nests more than 64 deep'],
  [
    'what would steer a terminal',
    'link',
    '["\\u001b[2J\\u009b"]',
    String.raw`a link is "\u001b[2J\u009b", and should be an object`,
  ],
])('%s: only that server is not read', async (_name, part, text, why) => {
  const { code, out, err } = await planWith(part, text);
  const said = `${out}${err}`.replaceAll(/\s+/g, ' ');
  expect(said).toContain(`the part ${part} of the answer cannot be understood: ${why}`);
  expect(said).toContain('~ servers dom02, dom03: write down that pool ams1 is');
  expect(said).not.toMatch(/\bat \S+ \(|node:|\.ts:/);
  expect(`${out}${err}`).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f-\x9f]/);
  expect(code).toBe(4);
});

test('a cfg that nests deep, and files that are called as what every object has', async () => {
  const files = farm.sim.files('dom01');
  files.write('/etc/xen/deep.cfg', `name = "deep"\nx = ${'['.repeat(100_000)}${']'.repeat(100_000)}\n`);
  for (const name of ['__proto__', 'constructor', 'toString'])
    files.write(
      `/etc/xen/${name}.cfg`,
      `name = "${name}"\n${name.replaceAll(/[^a-z]/g, '')} = 1\nmemory = 64\nkernel = "/k"\n`,
    );
  const { code, out, err } = await reeve(['plan', farm.path]);
  const said = `${out}${err}`.replaceAll(/\s+/g, ' ');
  for (const name of ['__proto__', 'constructor', 'toString']) expect(said).toContain(`/etc/xen/${name}.cfg`);
  expect(code).toBe(0);
  expect(Object.keys(Object.prototype)).toEqual([]);
});
