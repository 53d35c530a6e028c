/** Builds `dist/` once before the tests, for those that run the command as its users do. */
import { spawnSync } from 'node:child_process';

/** Type errors are `npm run check`'s to report: what was emitted is run all the same. */
export default function build(): void {
  spawnSync('npm', ['run', '-s', 'build'], { stdio: 'ignore' });
}
