/** `npm run corpus`: its table says what came out equal, and what did not and why. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { readCfg } from '../../src/sim/cfg.ts';
import { domainConfig } from '../../src/sim/config.ts';
import { libxlJson } from '../../src/sim/print-json.ts';

const root = join(import.meta.dirname, '../..');
const folders: string[] = [];
afterAll(async () => {
  for (const f of folders) await rm(f, { recursive: true });
});

const table = (dir: string): { readonly code: number | null; readonly lines: readonly string[] } => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(root, 'test/corpus/main.mjs'), dir], {
    encoding: 'utf8',
  });
  return { code: status, lines: `${stdout}${stderr}`.trim().split('\n') };
};

const printed = (cfg: string): string => {
  const read = readCfg(cfg, 'x');
  const host = {
    cpus: 8,
    minor: 17,
    hex: (n: number) => '0'.repeat(n),
    uuid: () => '00000000-0000-4000-8000-000000000000',
  };
  const made = 'error' in read ? read : domainConfig(read.settings, host);
  if ('error' in made) throw new Error(made.error);
  return libxlJson(made.config, 'dry');
};

/** `json` null: xl does not take it. */
const folderOf = async (
  files: Readonly<Record<string, readonly [cfg: string, json: string | null]>>,
): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), 'reeve-corpus-'));
  folders.push(folder);
  for (const sub of ['files', 'xl-json']) await mkdir(join(folder, sub));
  for (const [name, [cfg, json]] of Object.entries(files)) {
    await writeFile(join(folder, 'files', name), cfg);
    if (json !== null) await writeFile(join(folder, 'xl-json', `${name}.json`), json);
  }
  return folder;
};

const web =
  'name = "web"\nkernel = "/k"\nmemory = 64\ndisk = [ "/dev/vg0/web,raw,xvda,w" ]\nvif = [ "bridge=b,mac=00:16:3e:00:00:01" ]\n';
const db = 'name = "db"\ntype = "hvm"\nmemory = 64\nvnc = 1\nvncpasswd = "hunter22"\nvfb = [ "vncpasswd=hunter33" ]\n';

describe('the table of a corpus', () => {
  it('says yes all along a row, and counts', async () => {
    const dir = await folderOf({ 'web.cfg': [web, printed(web)], db: [db, printed(db)], 'odd.cfg': ['=', null] });
    expect(table(dir)).toEqual({
      code: 0,
      lines: [
        'read    written adopted equal   alone   xl      file',
        'yes     yes     yes     yes     yes     yes     db',
        'yes     yes     yes     yes     yes     yes     web.cfg',
        '2       2       2       2       2       2       of 2 that xl takes (3 files)',
      ],
    });
  });

  it('says where another VM came out', async () => {
    const other = printed(web.replace('memory = 64', 'memory = 65'));
    const { code, lines } = table(await folderOf({ 'web.cfg': [web, other] }));
    expect(code).toBe(1);
    expect(lines.slice(1, 3)).toEqual([
      'yes     yes     yes     no      no      no      web.cfg',
      '        b_info.max_memkb: 66560 → 65536',
    ]);
  });

  const real = join(root, '../shared/corpus/xlcfg');
  it.skipIf(!existsSync(real))('holds for real files (skipped where ../shared/corpus/xlcfg is missing)', () => {
    const { lines } = table(real);
    const [read, written, adopted, equal] = (lines.at(-1) ?? '').split(/ +/).map(Number);
    expect([read, written, adopted]).toEqual([126, 126, 126]);
    expect(equal).toBeGreaterThanOrEqual(115);
  });
});
