/** The shells that the texts are tried under: dash, bash and BusyBox's, each as `sh`, where they are installed. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const dir = mkdtempSync(join(tmpdir(), 'reeve-shell-'));

/** Paths of programs called `sh`, each alone in its folder, so that a PATH may begin with it. */
export const shells: readonly string[] = ['dash', 'bash', 'busybox'].flatMap((name) => {
  const which = spawnSync('which', [name], { encoding: 'utf8' });
  if (which.status !== 0) return [];
  mkdirSync(join(dir, name));
  symlinkSync(which.stdout.trim(), join(dir, name, 'sh'));
  return [join(dir, name, 'sh')];
});
