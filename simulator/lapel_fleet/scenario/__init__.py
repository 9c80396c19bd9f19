"""A fleet's day as data: sites, wearers, shifts, faults and expectations, and the random streams of a seed."""
