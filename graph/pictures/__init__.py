"""Pictures as SVG: a graph's, and what pictures of other things are made with too."""
