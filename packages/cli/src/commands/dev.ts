import type { Command } from 'commander';
export function addDev(_program: Command): void {}
