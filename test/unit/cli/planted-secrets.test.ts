/** Secrets are planted wherever a farm may hold one: no command, no saved file, and nobody's list of processes shows them. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startDemoFarm, type DemoFarm } from '../../../src/cli/demo-farm.ts';
import { run } from '../../../src/cli/program.ts';
import { finder } from './planted.ts';
import { fakeShell } from './shell.ts';

/** By where it is planted. */
const planted = {
  vnc: 'Vn482913/+',
  user: '#cloud-config\nchpasswd: { list: "root:Ci719 402" }\n',
  meta: 'Mt55&30187',
  network: 'Nw66/41298',
  query: 'Qs77%2B52309',
  vendor: 'Ve31 /+88207',
};

const shows = finder([...Object.values(planted), 'Ci719 402']);

const url = 'https://img.lan/debian.raw';
const whole = `${url}?sig=${planted.query}`;
const cloudInit = (network: string): string =>
  `cloudInit: { userData: ${JSON.stringify(planted.user)}, metaData: { a: "${planted.meta}" }, networkConfig: ${network} }`;
const vms = (network = '"${file:net}"', more = ''): string => `  web:
    profile: small
    type: hvm
    server: dom02
    disks: { xvda: { size: 1GiB, from: debian } }
    display: { vnc: { password: "\${env:VNC}" } }
    ${cloudInit(network)}${more}
  db:
    profile: small
    server: dom01
    disks: { xvda: { size: 1GiB } }
    cloudInit: { userData: "\${env:VENDOR}" }
templates: { debian: { source: "${whole}" } }
`;

let farm: DemoFarm;
const path = (name: string): string => join(farm.folder, name);
const env = { VNC: planted.vnc, VENDOR: `#cloud-config\n# ${planted.vendor}\n` };
const reeve = async (...argv: readonly string[]): Promise<{ readonly code: number; readonly said: string }> => {
  const heard = fakeShell({ home: farm.folder, env });
  const code = await run(argv, heard.shell);
  return { code, said: heard.out() + heard.err() };
};
const reads = (name: string): string => readFileSync(path(name), 'utf8');

beforeAll(async () => {
  farm = await startDemoFarm(Infinity, 'planted', true);
  writeFileSync(path('net'), planted.network);
  farm.sim.web.set(whole, { bytes: Buffer.from('debian') });
});
afterAll(() => farm.close());

const described = (more?: string): Promise<void> => farm.describe(vms(`"\${file:${path('net')}}"`, more));

test('what would be shown is found', () => {
  expect(shows(`x${planted.vnc}`)).toContain(planted.vnc);
  expect(shows(`{"text":${JSON.stringify(planted.user)}}`)).not.toEqual([]);
  expect(shows(Buffer.from(planted.query).toString('base64'))).not.toEqual([]);
});

test('before and while it is made', async () => {
  await described();
  for (const argv of [
    ['validate', farm.path],
    ['plan', farm.path],
    ['plan', farm.path, '--json'],
    ['plan', farm.path, '--commands', '--out', path('plan.json')],
    ['graph', farm.path],
    ['explain', 'web', farm.path],
    ['drift', farm.path],
  ]) {
    const { code, said } = await reeve(...argv);
    expect([argv, shows(said), code === 0 || code === 2 ? [] : said]).toEqual([argv, [], []]);
  }
  expect(reads('plan.json')).toContain(`${url}?…`);
  expect(shows(reads('plan.json'))).toEqual([]);
  // A saved plan holds none, so it cannot make what needs them, and says so at once.
  expect((await reeve('plan', farm.path, '--out', path('plan.json'))).said).toContain(
    `plan.json will refuse it, since no saved plan holds the query of ${url}?…, cloudInit.userData of web, cloudInit.metaData of web.`,
  );
  const refused = await reeve('apply', path('plan.json'), '--yes');
  expect(refused.code).toBe(3);
  expect(refused.said).toContain('cloudInit.userData of web): it stands in the farm file, and no saved plan holds it');
  expect(shows(refused.said)).toEqual([]);
});

test('a fetch that fails', async () => {
  farm.sim.web.set(whole, { bytes: Buffer.from('debian'), status: 403 });
  const { code, said } = await reeve('apply', farm.path, '--yes');
  expect([code, said.includes('403'), shows(said)]).toEqual([7, true, []]);
  farm.sim.web.set(whole, { bytes: Buffer.from('debian') });
});

test('once it is made', async () => {
  const done = await reeve('apply', farm.path, '--yes', '--events', path('events.json'));
  expect([done.code, done.code === 0 ? '' : done.said]).toEqual([0, '']);
  await farm.sim.settle();
  expect(shows(done.said + reads('events.json'))).toEqual([]);
  const journals = ['dom01', 'dom02', 'dom03'].map((s) => farm.sim.files(s).read('/var/log/reeve/journal.jsonl') ?? '');
  // Those of the fetch that failed, too.
  expect(journals.join('')).toContain('403');
  expect(shows(journals.join(''))).toEqual([]);
  const cfg = farm.sim.files('dom02').read('/etc/xen/web.cfg') ?? '';
  expect(cfg).toContain(planted.vnc);
  const [, seed = ''] = /\/srv\/vmstore(\/disks\/web-seed-[0-9a-f]{8}\.iso)/.exec(cfg) ?? [];
  const image = farm.sim.export('filer:/export/vmstore').files.read(seed) ?? '';
  expect([planted.user, planted.meta, planted.network].map((text) => image.includes(text))).toEqual([true, true, true]);
  await described(', protect: true'.replace(', ', '\n    '));
  for (const argv of [
    ['plan', farm.path, '--json'],
    ['status', farm.path],
    ['status', farm.path, '--json'],
    ['explain', 'web', farm.path],
    ['drift', farm.path, '--json'],
    ['snapshot', farm.path, '--out', path('snapshot.json')],
  ]) {
    const { code, said } = await reeve(...argv);
    expect([argv, shows(said), code === 0 || code === 2 ? [] : said]).toEqual([argv, [], []]);
  }
  expect(shows(reads('snapshot.json'))).toEqual([]);
});

test('mistakes in the lines that hold them', async () => {
  await described();
  const text = reads('farm.yaml');
  writeFileSync(farm.path, text.replace(`source: "`, 'souce: 1, source: "'));
  const { code, said } = await reeve('validate', farm.path);
  expect([code, shows(said)]).toEqual([3, []]);
});
