// A titled part of a page, which fails alone.
import type { ComponentChildren } from 'preact';
import { Boundary } from './boundary';

export function Box({ title, children }: { title: string; children: ComponentChildren }) {
  return (
    <section class="box">
      <h2>{title}</h2>
      <Boundary what={title.toLowerCase()}>{children}</Boundary>
    </section>
  );
}
