document.documentElement.classList.add('js');
addEventListener('DOMContentLoaded', () => {
  const doc = document, all = (what, inside = doc) => [...inside.querySelectorAll(what)], byId = id => doc.getElementById(id);

  const table = byId('items');
  if (table) {
    const groups = all('tbody', table), search = byId('filter'), least = byId('severity'), shown = byId('shown'), unfold = byId('unfold');
    const texts = new Map();
    const text = group => texts.get(group) ?? (texts.set(group, group.textContent.toLowerCase()), texts.get(group));
    const show = (group, on) => {
      group.classList.toggle('show', on);
      group.querySelector('button').setAttribute('aria-expanded', on);
    };
    const filter = () => {
      const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
      let count = 0;
      for (const group of groups) {
        const fits = +group.dataset.s >= +least.value && words.every(word => text(group).includes(word));
        group.hidden = !fits;
        count += fits;
      }
      shown.textContent = `${count} of ${groups.length} shown`;
    };
    const order = new Intl.Collator('en', { numeric: true });
    const sort = (head, column) => {
      const falling = head.getAttribute('aria-sort') === 'ascending';
      all('thead th', table).forEach(other => other.removeAttribute('aria-sort'));
      head.setAttribute('aria-sort', falling ? 'descending' : 'ascending');
      const key = group => column === 1 ? group.dataset.s : group.rows[0].cells[column]?.textContent ?? '';
      const sorted = groups.map((group, number) => [key(group), number, group])
        .sort((a, b) => (falling ? -1 : 1) * order.compare(a[0], b[0]) || a[1] - b[1]);
      table.append(...sorted.map(it => it[2]));
    };
    groups.forEach(group => group.querySelector('button').setAttribute('aria-expanded', false));
    table.addEventListener('click', event => {
      const group = event.target.closest('tr:first-child') && event.target.closest('tbody');
      if (group && !event.target.closest('a') && !String(getSelection())) show(group, !group.classList.contains('show'));
    });
    all('thead th', table).forEach((head, column) => head.firstElementChild.addEventListener('click', () => sort(head, column)));
    unfold.addEventListener('click', () => {
      const on = unfold.getAttribute('aria-pressed') !== 'true';
      unfold.setAttribute('aria-pressed', on);
      groups.forEach(group => show(group, on));
    });
    search.addEventListener('input', filter);
    least.addEventListener('input', filter);
    const go = () => {
      const group = byId(location.hash.slice(1));
      if (group && groups.includes(group)) {
        if (group.hidden) { search.value = ''; least.value = '0'; filter(); }
        show(group, true);
        group.querySelector('button').focus({ preventScroll: true });
        group.scrollIntoView({ block: 'center' });
      }
    };
    addEventListener('hashchange', go);
    filter();
    go();
  }

  const graph = byId('graph');
  if (graph) {
    const nodes = all('[data-n]', graph), named = new Map(nodes.map(node => [node.dataset.n, node])), after = new Map(), before = new Map();
    const add = (map, name, edge) => map.has(name) ? map.get(name).push(edge) : map.set(name, [edge]);
    const tillers = nodes.filter(node => node.dataset.n[0] === 't').map(node => node.dataset.n);
    for (const path of all('path[data-a]', graph)) {
      const { a, b } = path.dataset;
      for (const end of b === 'all' ? ['all', ...tillers] : [b]) {
        add(after, a, [path, end]);
        add(before, end, [path, a]);
      }
    }
    const walk = (map, name, lit) => {
      for (const [path, next] of map.get(name) ?? []) {
        lit.add(path);
        const node = named.get(next);
        if (node && !lit.has(node)) { lit.add(node); walk(map, next, lit); }
      }
    };
    let lit = new Set();
    const light = node => {
      lit.forEach(it => it.classList.remove('on', 'now'));
      lit = new Set();
      if (node) {
        lit.add(node);
        walk(after, node.dataset.n, lit);
        walk(before, node.dataset.n, lit);
        lit.forEach(it => it.classList.add('on'));
        node.classList.add('now');
      }
      graph.classList.toggle('dim', !!node);
    };
    const boxes = nodes.filter(node => node.dataset.n !== 'all');
    const place = node => node.getAttribute('transform').match(/\d+/g).map(Number);
    const near = event => event.target.closest('[transform]');
    let stop = boxes[0];
    all('a', graph).forEach(node => node.setAttribute('tabindex', -1));
    stop?.setAttribute('tabindex', 0);
    graph.addEventListener('pointerover', event => light(near(event) ?? near({ target: doc.activeElement })));
    graph.addEventListener('pointerleave', () => light(near({ target: doc.activeElement })));
    graph.addEventListener('focusin', event => {
      stop.setAttribute('tabindex', -1);
      stop = near(event) ?? stop;
      stop.setAttribute('tabindex', 0);
      light(stop);
    });
    graph.addEventListener('focusout', () => light(null));
    graph.addEventListener('keydown', event => {
      const node = near(event), step = { ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] }[event.key];
      if (event.key === 'Escape') node?.blur();
      if (!node || !step) return;
      event.preventDefault();
      const [x, y] = place(node);
      const far = other => { const [left, top] = place(other); return Math.abs(left - x) * 1e3 + Math.abs(top - y); };
      const fits = other => { const [left, top] = place(other); return step[0] ? (left - x) * step[0] > 0 : left === x && (top - y) * step[1] > 0; };
      const next = boxes.filter(fits).sort((a, b) => far(a) - far(b))[0];
      next?.setAttribute('tabindex', -1);
      next?.focus();
    });
  }
});
