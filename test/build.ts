/** Builds `dist/` once before the tests, for those that run the command as its users do. */
import { execFileSync } from 'node:child_process';

export default function build(): void {
  execFileSync('npm', ['run', '-s', 'build'], { stdio: 'inherit' });
}
